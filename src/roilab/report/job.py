"""One run, as its folder tells of it: whatever is missing there is ``None`` here."""

import csv
import json
import logging
import math
import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from roilab.csv_log import Curves, read_curves

log = logging.getLogger(__name__)

Row = Mapping[str, str]
# Where the charge of a run is judged; what the user asked for comes before what training does.
PHYSICS_TABLES = ("evaluation/table.csv", "physics/best.csv")
NOT_STARTED = "not started"


@dataclass(frozen=True)
class Job:
    """A run alone or in a sweep.

    Attributes:
        folder: of the run.
        config: composed, interpolations as they stand; empty where there is none.
        choices: chosen file by config group (``model``: ``unet``).
        overrides: of the command line, by key.
        command: arguments of the command line, as they were.
        status: contents of ``status.json``.
        curves: of the CSV logs.
        exported: contents of ``model.json``.
        physics: table of charge metrics, cells as text.
        physics_table: where that came from.
        complaint: a sentence on what could not be read.
    """

    folder: Path
    config: DictConfig = field(default_factory=lambda: OmegaConf.create({}))
    choices: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    command: Sequence[str] = ()
    status: Mapping[str, Any] = field(default_factory=dict)
    curves: Curves = field(default_factory=dict)
    exported: Mapping[str, Any] = field(default_factory=dict)
    physics: Sequence[Row] = ()
    physics_table: Path | None = None
    complaint: str | None = None

    @property
    def state(self) -> str:
        """``finished``, ``running``, ``failed``, ``interrupted``, ``not started``, ..."""
        told = self.status.get("state")
        if told == "running" and _is_gone(self.status):
            return "interrupted"
        if told is not None:
            return str(told)
        return "finished" if "best/loss" in self.curves else "unfinished"

    @property
    def error(self) -> str | None:
        """Why it has not finished, where that is known."""
        if self.status.get("state") == "running" and self.state == "interrupted":
            return "Its process has ended without a word; it was killed."
        return self.status.get("error") or self.complaint

    @property
    def swept(self) -> Mapping[str, Any]:
        """What this job overrides in a sweep; empty where no status file tells."""
        return self.status.get("swept") or {}

    @property
    def results(self) -> Mapping[str, Any]:
        """What a finished job says it reached; empty where it does not."""
        return self.status.get("results") or {}

    def setting(self, key: str) -> Any:
        """A value of the configuration, or the choice of a config group; ``None`` if absent."""
        if key in self.overrides:
            return self.overrides[key]
        if key in self.choices:
            return self.choices[key]
        raw = reduce(_below, key.split("."), self._plain)
        if isinstance(raw, str) and "${oc.env" in raw:
            return raw  # the environment of the run is not that of the report
        try:
            value = OmegaConf.select(self.config, key)
        except (OmegaConfBaseException, ValueError):
            return raw  # what only the running job could resolve
        return OmegaConf.to_container(value) if OmegaConf.is_config(value) else value

    @cached_property
    def _plain(self) -> Any:
        return OmegaConf.to_container(self.config, resolve=False)

    def metric(self, name: str) -> float | None:
        """Of the best checkpoint on validation events, or of the last epoch if not judged yet.

        Args:
            name: without its stage, such as ``dice``.
        """
        told = (self.results.get("metrics") or {}).get(f"val/{name}")
        if told is not None:
            return float(told)
        for stage in ("best", "val"):
            if self.curves.get(f"{stage}/{name}"):
                return self.curves[f"{stage}/{name}"][-1][1]
        return None

    def last(self, name: str) -> float | None:
        """Of the last epoch, by the name it is logged under."""
        points = self.curves.get(name)
        return points[-1][1] if points else None

    @property
    def epochs(self) -> int | None:
        """Epochs trained."""
        told: int | None = self.results.get("epochs")
        points = self.curves.get("train/loss") or self.curves.get("val/loss")
        return told if told is not None else points[-1][0] + 1 if points else None

    @property
    def best_epoch(self) -> int | None:
        """Epoch, from 0, of the best checkpoint, or of the lowest validation loss."""
        told: int | None = self.results.get("best_epoch")
        finite = [point for point in self.curves.get("val/loss", ()) if math.isfinite(point[1])]
        if told is None and finite:
            return min(finite, key=lambda point: point[1])[0]
        return told

    @property
    def inefficiency(self) -> float | None:
        """Of the network, mean over all angles, energies and planes judged [%]."""
        cells = [row.get("inefficiency") for row in self.physics if row.get("method") == "dnn"]
        values = [value for cell in cells if (value := number(cell)) is not None]
        return sum(values) / len(values) if values else None

    @property
    def checkpoint(self) -> Path | None:
        """The best checkpoint, or else the last."""
        folder = self.folder / "checkpoints"
        best = sorted(folder.glob("best*.ckpt"), key=lambda path: path.stat().st_mtime)
        last = sorted(folder.glob("last*.ckpt"), key=lambda path: path.stat().st_mtime)
        found = best or last
        return found[-1] if found else None


def read_job(folder: Path) -> Job:
    """All that a run's folder tells; a part that cannot be read is left out, and logged."""
    problems: list[str] = []

    def attempt(path: Path, read: Any, nothing: Any) -> Any:
        try:
            return read(path) if path.exists() else nothing
        except (OSError, ValueError, KeyError, TypeError, OmegaConfBaseException, csv.Error) as why:
            problems.append(f"{path}: cannot be read ({type(why).__name__}: {why}).")
            return nothing

    hydra = attempt(folder / ".hydra" / "hydra.yaml", OmegaConf.load, OmegaConf.create({}))
    table = next((path for name in PHYSICS_TABLES if (path := folder / name).is_file()), None)
    job = Job(
        folder=folder,
        config=attempt(folder / ".hydra" / "config.yaml", OmegaConf.load, OmegaConf.create({})),
        choices=attempt(folder, lambda _: _choices(hydra), {}),
        overrides=attempt(folder / ".hydra" / "overrides.yaml", _read_overrides, {}),
        command=attempt(folder / ".hydra" / "overrides.yaml", lambda p: _command(hydra, p), ()),
        status=attempt(folder / "status.json", _read_json, {}),
        curves=attempt(folder / "csv", read_curves, {}),
        exported=attempt(folder / "model.json", _read_json, {}),
        physics=attempt(table, _read_table, ()) if table else (),
        physics_table=table,
        complaint=" ".join(problems) or None,
    )
    for problem in problems:
        log.warning("%s", problem)
    return job


def number(text: str | None) -> float | None:
    """A cell as a finite number; ``None`` where it is none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def override_key(text: str) -> str:
    """``data.rebin`` of ``+data.rebin=1``."""
    return text.partition("=")[0].lstrip("+~")


def _read_overrides(path: Path) -> dict[str, Any]:
    texts = [str(text) for text in OmegaConf.load(path)]
    return {override_key(text): _value(text.partition("=")[2]) for text in texts}


def _command(hydra: Any, path: Path) -> list[str]:
    """Arguments of the command line, with the user's own folder of configuration."""
    sources = OmegaConf.select(hydra, "hydra.runtime.config_sources") or ()
    own = [s.path for s in sources if s.provider == "command-line"]
    options = ["--config-dir", str(own[0])] if own else []
    return [*options, *(str(text) for text in OmegaConf.load(path))]


def _value(text: str) -> Any:
    """A value as YAML types it, or its text where it is no YAML."""
    try:
        plain = OmegaConf.to_container(OmegaConf.create(f"value: {text}"), resolve=False)
    except Exception:  # whatever the YAML reader below raises: it is then only text
        return text
    return plain["value"] if isinstance(plain, dict) else text


def _choices(hydra: Any) -> dict[str, Any]:
    chosen = OmegaConf.select(hydra, "hydra.runtime.choices")
    plain = OmegaConf.to_container(chosen) if chosen else {}
    assert isinstance(plain, dict)
    return {str(group): choice for group, choice in plain.items() if "@" not in str(group)}


def _read_json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text())
    if not isinstance(content, dict):
        raise ValueError(f"expected an object, got {type(content).__name__}")
    return content


def _read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return [
            {name: text or "" for name, text in row.items() if name}
            for row in csv.DictReader(stream)
        ]


def _below(node: Any, key: str) -> Any:
    return node.get(key) if isinstance(node, dict) else None


def _is_gone(status: Mapping[str, Any]) -> bool:
    """Whether the process of a job ran on this machine and does not any more."""
    pid = status.get("pid")
    if status.get("host") != socket.gethostname() or not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def natural(text: str) -> list[Any]:
    """A key that sorts ``rebin-10`` after ``rebin-4``."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in re.split(r"(\d+)", text)]  # fmt: skip
