"""One run, read from the files in its folder; a missing file or value is ``None``."""

import csv
import json
import math
import os
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from omegaconf.errors import OmegaConfBaseException

from roilab.checksum import SUMS_FILE, differs_from_sums
from roilab.csv_log import Curves, read_curves
from roilab.report.saved_config import parse_yaml, read_yaml, select
from roilab.report.setting_names import override_key
from roilab.run_folder import run_checkpoint
from roilab.types import Row
from roilab.verdict import PhysicsTableError, Verdict, judge_training, read_run_tables

NOT_STARTED = "not started"
# What reading a file of unknown contents raises.
_UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError),
    *(OmegaConfBaseException, yaml.YAMLError, csv.Error),
)


@dataclass(frozen=True)
class RunRecord:
    """A run, alone or as a job of a sweep.

    Attributes:
        folder: of the run.
        config: composed configuration, with its interpolations as texts; empty if absent.
        choices: chosen file of every config group (``model``: ``unet``).
        overrides: values of the command line by key.
        command: arguments of the command line.
        status: contents of ``status.json``.
        curves: contents of the CSV logs.
        exported: contents of ``model.json``.
        physics: charge metrics of all evaluations, cells as text.
        physics_tables: paths of their tables.
        evaluation: contents of ``evaluation/evaluation.json``.
        problem: which files could not be read, and why.
    """

    folder: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    command: Sequence[str] = ()
    status: Mapping[str, Any] = field(default_factory=dict)
    curves: Curves = field(default_factory=dict)
    exported: Mapping[str, Any] = field(default_factory=dict)
    physics: Sequence[Row] = ()
    physics_tables: Sequence[Path] = ()
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None

    @property
    def state(self) -> str:
        """``finished``, ``running``, ``failed``, ``interrupted``, ``not started``, ..."""
        state = self.status.get("state")
        if state == "running" and _process_is_gone(self.status):
            return "interrupted"
        if state is not None:
            return str(state)
        return "finished" if "best/loss" in self.curves else "unfinished"

    @property
    def error(self) -> str | None:
        """Why the run has not finished, if known, or which files could not be read."""
        if self.status.get("state") == "running" and self.state == "interrupted":
            return "Its process ended without an error message; it was killed."
        return self.status.get("error") or self.problem

    @property
    def swept(self) -> Mapping[str, Any]:
        """Settings in which a job differs from others of its sweep; empty if not known."""
        return self.status.get("swept") or {}

    @property
    def results(self) -> Mapping[str, Any]:
        """Results in the status file of a finished run; empty if not known."""
        return self.status.get("results") or {}

    def setting(self, key: str) -> Any:
        """Return a value of the configuration or the choice of a config group, or ``None``."""
        if key in self.overrides:
            return self.overrides[key]
        if key in self.choices:
            return self.choices[key]
        return select(self.config, key)

    def metric(self, name: str) -> float | None:
        """Return ``val/NAME`` of the best checkpoint, or of the last epoch without it."""
        result = (self.results.get("metrics") or {}).get(f"val/{name}")
        if result is not None:
            return float(result)
        best = self.last(f"best/{name}")
        return self.last(f"val/{name}") if best is None else best

    def last(self, name: str) -> float | None:
        """Return a logged value of the last epoch, by its full name."""
        points = self.curves.get(name)
        return points[-1][1] if points else None

    @property
    def epochs(self) -> int | None:
        """Number of trained epochs."""
        epochs: int | None = self.results.get("epochs")
        points = self.curves.get("train/loss") or self.curves.get("val/loss")
        return epochs if epochs is not None else points[-1][0] + 1 if points else None

    @property
    def best_epoch(self) -> int | None:
        """Epoch, from 0, of the best checkpoint, or of the lowest validation loss."""
        epoch: int | None = self.results.get("best_epoch")
        finite = [point for point in self.curves.get("val/loss", ()) if math.isfinite(point[1])]
        if epoch is None and finite:
            return min(finite, key=lambda point: point[1])[0]
        return epoch

    @property
    def working_point(self) -> Mapping[str, Any]:
        """Mask threshold of the best checkpoint and how it was chosen; empty if not known."""
        point = self.results.get("working_point")
        numbers = ("mask_thresh", "start")
        if isinstance(point, dict) and all(isinstance(point.get(n), int | float) for n in numbers):
            return point
        return {}

    @property
    def mask_thresh(self) -> float | None:
        """Mask threshold at which the metrics of the best checkpoint hold."""
        return self.working_point.get("mask_thresh")

    @property
    def inefficiency(self) -> float | None:
        """Inefficiency of the network, mean over all angles, energies and planes [%]."""
        cells = [row.get("inefficiency") for row in self.physics if row.get("method") == "dnn"]
        values = [value for cell in cells if (value := parse_number(cell)) is not None]
        return sum(values) / len(values) if values else None

    @property
    def charge_error(self) -> float | None:
        """Size of the network's bias, mean over all angles, energies and planes [%]."""
        cells = [row.get("bias") for row in self.physics if row.get("method") == "dnn"]
        values = [abs(value) for cell in cells if (value := parse_number(cell)) is not None]
        return sum(values) / len(values) if values else None

    @property
    def seconds_per_image(self) -> float | None:
        """Time of the network for one image, from an evaluation [s]."""
        times = self.evaluation.get("seconds_per_image")
        value = times.get("network") if isinstance(times, dict) else None
        return float(value) if isinstance(value, int | float) else None

    @property
    def exported_memory(self) -> float | None:
        """Expected memory of one image beside the exported file [MB]."""
        export = self.exported.get("export")
        value = export.get("expected_memory_mb") if isinstance(export, dict) else None
        return float(value) if isinstance(value, int | float) else None

    @property
    def verdict(self) -> Verdict | None:
        """Verdict on the network; ``None`` where there is nothing to judge yet."""
        if self.state != "finished" and not self.physics:
            return None
        metrics = self.results.get("metrics")
        if metrics is None:
            known = {f"val/{name}": self.metric(name) for name in ("loss", "dice")}
            metrics = {name: value for name, value in known.items() if value is not None}
        return judge_training(self.physics, metrics, self.working_point)

    @property
    def checkpoint(self) -> Path | None:
        """The best checkpoint, or the last one."""
        return run_checkpoint(self.folder)


def read_run(folder: Path) -> RunRecord:
    """Read the files of a run; ``problem`` lists those that cannot be read."""
    problems: list[str] = []

    def attempt(path: Path, read: Callable[[Path], Any], default: Any) -> Any:
        try:
            return read(path) if path.exists() else default
        except PhysicsTableError as why:
            problems.append(str(why))
            return default
        except _UNREADABLE as why:
            problems.append(f"{path}: cannot be read ({type(why).__name__}: {why}).")
            return default

    overrides = folder / ".hydra" / "overrides.yaml"
    hydra = attempt(folder / ".hydra" / "hydra.yaml", _read_mapping, {})
    status = attempt(folder / "status.json", _read_json, {})
    tables = attempt(folder, lambda path: read_run_tables(path, _mask_thresh(status)), [])
    return RunRecord(
        folder=folder,
        config=attempt(folder / ".hydra" / "config.yaml", _read_mapping, {}),
        choices=attempt(folder, lambda _: _choices(hydra), {}),
        overrides=attempt(overrides, _read_overrides, {}),
        command=attempt(overrides, lambda path: _command(hydra, path), ()),
        status=status,
        curves=attempt(folder / "csv", read_curves, {}),
        exported=attempt(folder / "model.json", _read_json, {}),
        physics=[row for table in tables for row in table.rows],
        physics_tables=[table.path for table in tables],
        evaluation=attempt(folder / "evaluation" / "evaluation.json", _read_json, {}),
        problem=" ".join(problems) or None,
    )


def _mask_thresh(status: Mapping[str, Any]) -> float | None:
    """Return the mask threshold of the best checkpoint; ``None`` where it is not recorded."""
    thresh = ((status.get("results") or {}).get("working_point") or {}).get("mask_thresh")
    return thresh if isinstance(thresh, int | float) else None


def parse_number(text: str | None) -> float | None:
    """Return a table's cell as a finite number, or ``None``."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _read_overrides(path: Path) -> dict[str, Any]:
    texts = [str(text) for text in read_yaml(path)]
    return {override_key(text): _parse_yaml(text.partition("=")[2]) for text in texts}


def _command(hydra: Any, path: Path) -> list[str]:
    """Return the arguments of the command line, with the user's own config folder."""
    sources = select(hydra, "hydra.runtime.config_sources") or ()
    config_dirs = [source["path"] for source in sources if source["provider"] == "command-line"]
    options = ["--config-dir", str(config_dirs[0])] if config_dirs else []
    return [*options, *(str(text) for text in read_yaml(path))]


def _parse_yaml(text: str) -> Any:
    """Return a value with its YAML type, or the text where it is not YAML."""
    try:
        plain = parse_yaml(f"value: {text}")
    except Exception:  # any error of the YAML reader: the value is only text
        return text
    return plain["value"] if isinstance(plain, dict) else text


def _choices(hydra: Any) -> dict[str, Any]:
    chosen = dict(select(hydra, "hydra.runtime.choices") or {})
    return {str(group): choice for group, choice in chosen.items() if "@" not in str(group)}


def _read_mapping(path: Path) -> dict[str, Any]:
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ValueError(f"expected named values, got {type(content).__name__}")
    return content


def _read_json(path: Path) -> dict[str, Any]:
    if differs_from_sums(path):
        raise ValueError(f"its checksum differs from {SUMS_FILE}")
    content = json.loads(path.read_text())
    if not isinstance(content, dict):
        raise ValueError(f"expected an object, got {type(content).__name__}")
    return content


def _process_is_gone(status: Mapping[str, Any]) -> bool:
    """Return whether the process of a run was on this machine and has ended."""
    pid = status.get("pid")
    if status.get("host") != socket.gethostname() or not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, ProcessLookupError)
    return False


def natural_order(text: str) -> list[Any]:
    """Return a sort key that puts ``rebin-10`` after ``rebin-4``."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in re.split(r"(\d+)", text)]  # fmt: skip
