"""What a job leaves of itself in ``status.json``."""

import json
import math
import os
import socket
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from roilab.atomic_write import write_text
from roilab.errors import RoilabError

FILE = "status.json"
State = Literal["running", "finished", "failed", "interrupted"]


class StatusError(RoilabError):
    """A status file cannot be read."""


def now() -> str:
    """The time, with its zone, to the second."""
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")


@dataclass(frozen=True)
class Results:
    """What a training reached.

    Attributes:
        metrics: of the best checkpoint (or the last state), by name.
        optimized_metric: name of the one that a sweeper optimizes.
        value: its value.
        epochs: how many were trained.
        best_epoch: epoch of the best checkpoint, from 0.
        parameters: of the network.
        memory_mb: peak since the job began, by place [MB].
    """

    metrics: dict[str, float]
    optimized_metric: str | None
    value: float | None
    epochs: int
    best_epoch: int | None
    parameters: int
    memory_mb: dict[str, float]


@dataclass
class Status:
    """See docs/sweeps.md for the keys."""

    number: int | None
    swept: dict[str, Any]
    overrides: list[str]
    state: State = "running"
    error: str | None = None
    started: str = field(default_factory=now)
    ended: str | None = None
    starts: int = 1
    seconds: float = 0.0
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    processes: int = 1
    results: Results | None = None

    def write(self, folder: Path) -> None:
        """Write ``status.json`` into a folder, whole."""
        write_json(folder / FILE, {"format": 1, **asdict(self)})


def read_status(folder: Path) -> Status | None:
    """The status in a job's folder; ``None`` where there is none.

    Raises:
        StatusError: the file is there but is none of roilab's.
    """
    path = folder / FILE
    try:
        told = json.loads(path.read_text())
        results = told.pop("results")
        names = {each.name for each in fields(Status)}
        status = Status(**{name: value for name, value in told.items() if name in names})
        status.results = None if results is None else Results(**results)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StatusError(
            f"{path}: cannot be read ({error}); expected what roilab.train writes. Remove the file "
            "to train this job anew."
        ) from error
    return status


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole or not at all; NaN becomes null."""
    write_text(path, json.dumps(_finite(content), indent=2) + "\n")


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value
