"""In what a set of runs differs."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from roilab.report.job import Job, natural

# What says where or how a run ran, not what it computed.
_PLACES = {"output_dir", "run_dir", "resume", "data.cache", "logger", "trainer.default_root_dir"}
_MOST = 6  # settings compared where no run has overrides


@dataclass(frozen=True)
class Varied:
    """Runs and the settings they differ in.

    Attributes:
        jobs: the runs.
        keys: settings, the swept ones first, in the order of the sweep.
        labels: short names of the keys.
        folder: that all runs have in common.
    """

    jobs: Sequence[Job]
    keys: Sequence[str]
    labels: Mapping[str, str]
    folder: Path

    def value(self, job: Job, key: str) -> Any:
        """A run's setting; ``None`` where it says nothing of it."""
        return job.swept[key] if key in job.swept else job.setting(key)

    def name(self, job: Job) -> str:
        """A run's folder, below the one that all have in common."""
        name = os.path.relpath(job.folder, self.folder)
        return job.folder.name if name == os.curdir else name

    def title(self, job: Job) -> str:
        """A run's settings, such as ``rebin 4, threshold 50``, or its name."""
        told = [f"{self.labels[key]} {value_text(self.value(job, key))}" for key in self.keys]
        return ", ".join(told) or self.name(job)

    @property
    def placed(self) -> list[Job]:
        """Runs that say what their settings are; all where none is varied."""
        told = [job for job in self.jobs if job.swept or job.overrides or job.config]
        return told if self.keys else list(self.jobs)

    @property
    def titles(self) -> tuple[str, str]:
        """Names of the two settings that figures go by; empty where there is none."""
        names = [self.labels[key] for key in self.keys[:2]]
        return names[0] if names else "run", names[1] if len(names) > 1 else ""

    def text(self, job: Job, index: int) -> str:
        """Value of the first or second of those settings; the run's name where none differs."""
        if index < len(self.keys):
            return value_text(self.value(job, self.keys[index]))
        return self.name(job) if index == 0 else ""


def what_varies(jobs: Sequence[Job]) -> Varied:
    """Settings that were swept, or were overridden differently, or differ in the configuration."""
    swept = list(dict.fromkeys(key for job in jobs for key in job.swept))
    others = list(dict.fromkeys(key for job in jobs for key in job.overrides if key not in swept))
    keys = swept + [key for key in others if not _is_place(key) and _differs(jobs, key)]
    if not keys and len(jobs) > 1:
        keys = _compared(jobs)
    folder = Path(os.path.commonpath([job.folder for job in jobs]))
    return Varied(jobs, keys, _short(keys), folder)


def value_text(value: Any) -> str:
    """As on a command line."""
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


def in_order(texts: Sequence[str]) -> list[str]:
    """Each once; numbers by size, words as they come."""
    once = list(dict.fromkeys(texts))
    try:
        return sorted(once, key=float)
    except ValueError:
        numbered = all(any(c.isdigit() for c in text) for text in once)
        return sorted(once, key=natural) if numbered else once


def _is_place(key: str) -> bool:
    return key.startswith(("hydra", "sweep.", "logger.")) or key in _PLACES


def _differs(jobs: Sequence[Job], key: str) -> bool:
    return len({value_text(job.setting(key)) for job in jobs if job.config or job.overrides}) > 1


def _compared(jobs: Sequence[Job]) -> list[str]:
    """Leaves of the configurations that differ, the first few."""
    leaves = [dict(_leaves(OmegaConf.to_container(job.config, resolve=False))) for job in jobs]
    known = [each for each in leaves if each]
    keys = dict.fromkeys(key for each in known for key in each)
    differing = [k for k in keys if len({value_text(each.get(k)) for each in known}) > 1]
    return [key for key in differing if not _is_place(key)][:_MOST]


def _leaves(node: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if not isinstance(node, dict):
        return [(prefix, node)]
    items = [(f"{prefix}.{key}" if prefix else str(key), value) for key, value in node.items()]
    return [leaf for key, value in items for leaf in _leaves(value, key)]


def _short(keys: Sequence[str]) -> dict[str, str]:
    """Last parts of the keys; the whole of those that share one."""
    last = [key.split(".")[-1] for key in keys]
    return {
        key: part if last.count(part) == 1 else key for key, part in zip(keys, last, strict=True)
    }
