"""State of a job, in ``status.json`` in its folder."""

import json
import os
import socket
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from roilab.atomic_write import write_json
from roilab.errors import RoilabError
from roilab.train.results import Results

FILE = "status.json"
State = Literal["running", "finished", "failed", "interrupted"]


class StatusError(RoilabError):
    """A status file cannot be read."""


def now() -> str:
    """Return the time with its time zone, to the second (ISO 8601)."""
    return datetime.now(UTC).astimezone().isoformat(timespec="seconds")


@dataclass
class Status:
    """State of a job; docs/sweeps.md describes the attributes."""

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
    versions: dict[str, str] = field(default_factory=dict)  # of packages, at the last start
    git_commit: str | None = None  # of roilab, at the last start
    results: Results | None = None

    @property
    def summary(self) -> str:
        """Epochs, time and end of a finished job, in a few words."""
        epochs = "" if self.results is None else f"{self.results.epochs} epochs, "
        return f"{epochs}{self.seconds:.0f} s, ended {self.ended}"

    def write(self, folder: Path) -> None:
        """Write ``status.json`` into a job's folder."""
        write_json(folder / FILE, {"format": 1, **asdict(self)})


def read_status(folder: Path) -> Status | None:
    """Read ``status.json`` in a job's folder; ``None`` where there is none.

    Raises:
        StatusError: the file exists but was not written by roilab.
    """
    path = folder / FILE
    try:
        content = json.loads(path.read_text())
        results = content.pop("results")
        names = {each.name for each in fields(Status)}
        status = Status(**{name: value for name, value in content.items() if name in names})
        status.results = None if results is None else Results(**results)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StatusError(
            f"{path}: cannot be read ({error}); expected a file written by roilab.train. Remove "
            "it to train this job from the start."
        ) from error
    return status
