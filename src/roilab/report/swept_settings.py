"""The settings in which runs differ."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roilab.report.run_record import RunRecord, natural_order
from roilab.report.setting_names import short_names

# Settings of where and how a run is executed, which do not change its result.
_PLACES = {"output_dir", "run_dir", "resume", "data.cache", "logger", "trainer.default_root_dir"}
_MAX_COMPARED = 6  # settings that are compared where no run has overrides


@dataclass(frozen=True)
class SweptSettings:
    """Runs, their common parent folder, and the settings in which they differ.

    ``keys`` are the swept settings in the order of the sweep, then others; ``names`` are short.
    """

    runs: Sequence[RunRecord]
    keys: Sequence[str]
    names: Mapping[str, str]
    folder: Path

    def value(self, run: RunRecord, key: str) -> Any:
        """Return the value of a run's setting; ``None`` where it is not known."""
        return run.swept[key] if key in run.swept else run.setting(key)

    def run_name(self, run: RunRecord) -> str:
        """Return the run's folder, relative to the common parent folder."""
        name = os.path.relpath(run.folder, self.folder)
        return run.folder.name if name == os.curdir else name

    def title(self, run: RunRecord) -> str:
        """Return a run's settings, such as ``rebin 4, threshold 50``, or its name."""
        texts = [f"{self.names[key]} {value_text(self.value(run, key))}" for key in self.keys]
        return ", ".join(texts) or self.run_name(run)

    @property
    def known_runs(self) -> list[RunRecord]:
        """Runs whose settings are known; all runs where no setting differs."""
        known = [run for run in self.runs if run.swept or run.overrides or run.config]
        return known if self.keys else list(self.runs)

    @property
    def titles(self) -> tuple[str, str]:
        """Names of the first two settings, the axes of figures; empty where there is none."""
        names = [self.names[key] for key in self.keys[:2]]
        return names[0] if names else "run", names[1] if len(names) > 1 else ""

    def label(self, run: RunRecord, index: int) -> str:
        """Return the value of the first or second setting; the run's name where none differs."""
        if index < len(self.keys):
            return value_text(self.value(run, self.keys[index]))
        return self.run_name(run) if index == 0 else ""


def find_swept_settings(runs: Sequence[RunRecord]) -> SweptSettings:
    """Find the settings that were swept, or overridden differently, or differ in the config."""
    swept = list(dict.fromkeys(key for run in runs for key in run.swept))
    others = list(dict.fromkeys(key for run in runs for key in run.overrides if key not in swept))
    keys = swept + [key for key in others if not is_place(key) and _differs(runs, key)]
    if not keys and len(runs) > 1:
        keys = _compare_configs(runs)
    folder = Path(os.path.commonpath([run.folder for run in runs]))
    return SweptSettings(runs, keys, short_names(keys), folder)


def value_text(value: Any) -> str:
    """Return a value as it is written on a command line."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case list() | tuple():
            return "[" + ",".join(value_text(item) for item in value) + "]"
    return str(value)


def sort_labels(texts: Sequence[str]) -> list[str]:
    """Return every label once; numbers sorted by size, words in the given order."""
    labels = list(dict.fromkeys(texts))
    try:
        return sorted(labels, key=float)
    except ValueError:
        numbered = all(any(c.isdigit() for c in text) for text in labels)
        return sorted(labels, key=natural_order) if numbered else labels


def is_place(key: str) -> bool:
    """Return whether a setting only says where or how a run is executed."""
    inside = any(key == place or key.startswith(f"{place}.") for place in _PLACES)
    return inside or key.startswith(("hydra", "sweep."))


def _differs(runs: Sequence[RunRecord], key: str) -> bool:
    return len({value_text(run.setting(key)) for run in runs if run.config or run.overrides}) > 1


def _compare_configs(runs: Sequence[RunRecord]) -> list[str]:
    """Return the first keys whose values differ between the configurations."""
    configs = [dict(config_leaves(run.config)) for run in runs]
    known = [config for config in configs if config]
    keys = dict.fromkeys(key for config in known for key in config)
    differing = [k for k in keys if len({value_text(config.get(k)) for config in known}) > 1]
    return [key for key in differing if not is_place(key)][:_MAX_COMPARED]


def config_leaves(node: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return (dotted key, value) of every value below a node."""
    if not isinstance(node, dict):
        return [(prefix, node)]
    items = [(f"{prefix}.{key}" if prefix else str(key), value) for key, value in node.items()]
    return [leaf for key, value in items for leaf in config_leaves(value, key)]
