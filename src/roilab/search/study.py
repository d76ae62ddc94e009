"""A study that several processes and machines work on: which trial this process runs next."""

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import BaseFileLock, FileLock, Timeout

from roilab.building import build
from roilab.folder_lock import FolderError
from roilab.search.description import check_description
from roilab.search.plan import Plan
from roilab.search.storage import (
    ERROR,
    KILLED,
    OWNER,
    cut_torn_line,
    open_study,
    trial_name,
    trial_of,
)
from roilab.sweep.status import read_status

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

_LOCKS = ".locks"
# Seconds to wait for the processes of a killed trial, which end soon after it and hold its lock.
_PATIENCE = 15.0
_MOST_KILLS = 3  # a trial whose process is killed so often fails


@dataclass(frozen=True)
class Turn:
    """A trial that this process runs.

    Attributes:
        trial: of Optuna.
        settings: overrides of the parameters.
        lock: held while the trial runs; that of a process that has ended does not count.
    """

    trial: "Trial"
    settings: list[str]
    lock: BaseFileLock


class SharedStudy:
    """A study in a folder.

    A trial is chosen under a lock, so that two processes never take the same one. A trial whose
    process has ended, however it ended, is taken by the next process, which goes on with it from
    its last checkpoint.

    Raises:
        RoilabError: (its subclasses) the folder holds another study or something else.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        try:
            (plan.folder / _LOCKS).mkdir(parents=True, exist_ok=True)
            with self.locked():
                check_description(plan)
                cut_torn_line(plan.folder)
                assert self.study is not None
        except OSError as error:
            raise FolderError(
                f"{plan.folder}: cannot be made, locked or written to ({error.strerror}); expected "
                "a folder that can be written to. Choose another output_dir."
            ) from error

    @cached_property
    def study(self) -> "Study":
        """The study of Optuna."""
        directions = [one.direction for one in self.plan.objectives]
        pruner = build("search.pruner", self.plan.pruner)
        return open_study(self.plan.folder, directions, pruner=pruner)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other process choose a trial or write the results of the study."""
        with self._file_lock("study"):
            yield

    def take(self) -> Turn | None:
        """Return a trial to run: an abandoned one, or else a new one; ``None`` at the end."""
        last = time.monotonic() + _PATIENCE
        while True:
            with self.locked():
                turn = self._abandoned() or self._new()
            if turn is not None or not self._may_come() or time.monotonic() > last:
                return turn
            time.sleep(0.5)

    def complete(self, turn: Turn, values: Sequence[float]) -> None:
        """Record the values of the objectives."""
        self.study.tell(turn.trial.number, list(values))

    def prune(self, turn: Turn) -> None:
        """Record that the trial ended early."""
        from optuna.trial import TrialState

        self.study.tell(turn.trial.number, state=TrialState.PRUNED)

    def fail(self, turn: Turn, reason: str) -> None:
        """Record why a trial failed."""
        from optuna.trial import TrialState

        turn.trial.set_user_attr(ERROR, reason)
        self.study.tell(turn.trial.number, state=TrialState.FAIL)

    def folder(self, number: int) -> Path:
        """Return the folder of a trial."""
        return self.plan.folder / trial_name(number)

    def running(self) -> list["FrozenTrial"]:
        """Return the trials that run, or whose process was killed."""
        from optuna.trial import TrialState

        return self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))

    def _new(self) -> Turn | None:
        number = len(self.study.get_trials(deepcopy=False))
        if number >= self.plan.trials:
            return None
        # Of the number alone, so that a resumed study goes on as one that was not interrupted.
        seed = self.plan.seed + number
        self.study.sampler = build("search.sampler", self.plan.sampler, seed=seed)
        lock = self._file_lock(trial_name(number))
        lock.acquire()
        return self._turn(self.study.ask(), lock)

    def _abandoned(self) -> Turn | None:
        for one in self.running():
            lock = self._file_lock(trial_name(one.number))
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            turn = self._turn(trial_of(self.study, one.number), lock)
            status = read_status(self.folder(one.number))
            killed = one.user_attrs.get(KILLED, 0)
            if status is not None and status.state == "running":
                killed += 1
                turn.trial.set_user_attr(KILLED, killed)
            if killed < _MOST_KILLS:
                return turn
            self.fail(turn, f"its process was killed {killed} times (out of memory?)")
            lock.release()
        return None

    def _turn(self, trial: "Trial", lock: BaseFileLock) -> Turn:
        trial.set_user_attr(OWNER, [socket.gethostname(), os.getpid()])
        return Turn(trial, [one.suggest(trial) for one in self.plan.space], lock)

    def _may_come(self) -> bool:
        """Return whether a process of this machine has ended that still holds a trial's lock."""
        for one in self.running():
            host, pid = one.user_attrs.get(OWNER, ("", 0))
            if host == socket.gethostname() and not _is_running(pid):
                return True
        return False

    def _file_lock(self, name: str) -> BaseFileLock:
        return FileLock(self.plan.folder / _LOCKS / f"{name}.lock")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
