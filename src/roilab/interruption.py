"""End a command by a signal: clean up, print one line, exit with 128 + the signal's number.

SIGINT is Ctrl-C. SIGTERM comes from ``kill`` and from batch systems, SIGUSR1 from batch systems
before the time is up. A step that can save its progress (a training) defers the end by a grace
period.
"""

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
EXIT_CODES = {128 + number: number for number in SIGNALS}
# A batch system may send one signal twice, to the process and to its group.
_SAME_SIGNAL = 1.0  # seconds


class Interrupted(SystemExit):
    """A signal ends the command.

    Not an ``Exception``, so that nothing takes it for a failure, and not a ``KeyboardInterrupt``,
    which Lightning turns into exit code 1.

    Attributes:
        number: of the signal.
        note: what is kept, and how to go on; printed after the name of the signal.
    """

    def __init__(self, number: int, note: str = "") -> None:
        super().__init__(128 + number)
        self.number, self.note = number, note

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.number, self.note)

    def __str__(self) -> str:
        return f"interrupted by {signal.Signals(self.number).name}{self.note and '; '}{self.note}"


@dataclass
class _Watch:
    """Signals of one command."""

    pid: int = field(default_factory=os.getpid)
    first: int | None = None  # number of the first signal
    time: float = 0.0  # of the first signal, monotonic [s]
    grace: float | None = None  # seconds from the signal to the end; None: at once
    timer: threading.Timer | None = None
    passed_on: Callable[[int], None] | None = None  # waits for the end of other processes


_ended_by: list[int] = []  # number of the signal that has ended a job of this process
_watches: list[_Watch] = []  # the last one counts; a forked process begins with its parent's


def _current() -> _Watch | None:
    return _watches[-1] if _watches else None


@contextmanager
def interruptible(quiet: bool = False) -> Iterator[None]:
    """Turn signals into ``Interrupted`` and print its text; the signal handlers are restored.

    With ``quiet`` nothing is printed, because the parent of this process does. A process that gets
    jobs from another one (``hydra/launcher=joblib``) begins no job after an interrupted one.

    Handlers of another program (a launcher of batch jobs) are left. In a thread, and inside another
    ``interruptible``, this does nothing.
    """
    if _ended_by:
        raise Interrupted(_ended_by[0])
    outer = _current()
    main = threading.current_thread() is threading.main_thread()
    if not main or (outer is not None and outer.pid == os.getpid()):
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    _watches.append(_Watch())
    claim_signals()
    try:
        yield
    except Interrupted as end:
        if works_for_another():
            _ended_by.append(end.number)
        if not quiet:
            print(end, file=sys.stderr, flush=True)
        raise
    finally:
        undefer()
        for number, handler in before.items():
            signal.signal(number, handler)
        _watches.pop()


def works_for_another() -> bool:
    """Return whether this process gets its jobs from another one."""
    return multiprocessing.current_process().name != "MainProcess"


def pass_on(action: Callable[[int], None]) -> None:
    """Call a function with the number of the first signal, before ``Interrupted`` is raised.

    It passes the signal on to other processes and waits until they have saved their progress; a
    second signal ends it.
    """
    if watch := _current():
        watch.passed_on = action


def claim_signals() -> None:
    """Handle the signals that have their default action, or that Lightning has taken since."""
    if not _watches or threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        handler = signal.getsignal(number)
        lightning = type(handler).__module__.startswith("lightning.")
        if lightning or handler in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _handle)


def ignore_signals(*numbers: int) -> None:
    """Ignore signals in this process, which its parent ends; all by default.

    A signal to a group of processes reaches the processes that load data too. They have to go on
    until the parent has saved its progress.
    """
    for number in numbers or SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def defer(grace: float) -> None:
    """Let the first signal only be noted, for ``requested``.

    A second one, or the end of ``grace`` seconds, raises ``Interrupted`` at once.
    """
    if watch := _current():
        watch.grace = grace


def undefer() -> None:
    """Let a signal raise ``Interrupted`` at once, as before ``defer``."""
    if watch := _current():
        watch.grace = None
        if watch.timer is not None:
            watch.timer.cancel()


def requested() -> int | None:
    """Return the number of the signal that has come while its effect is deferred."""
    watch = _current()
    return None if watch is None else watch.first


def watching() -> bool:
    """Return whether signals are handled here."""
    return bool(_watches)


def _handle(number: int, frame: FrameType | None) -> None:
    watch = _current()
    if watch is None or watch.pid != os.getpid():
        return  # a forked process that loads data: its parent decides
    if watch.first is not None:
        if time.monotonic() - watch.time < _SAME_SIGNAL:
            return
        raise Interrupted(watch.first)
    watch.first, watch.time = number, time.monotonic()
    if watch.passed_on is not None:
        watch.passed_on(number)
    if not watch.grace:
        raise Interrupted(number)
    log.info(
        "%s: saving the progress, for at most %g s; a second signal ends the run at once",
        signal.Signals(number).name,
        watch.grace,
    )
    watch.timer = threading.Timer(watch.grace, _expire, (watch, number))
    watch.timer.daemon = True
    watch.timer.start()


def _expire(watch: _Watch, number: int) -> None:
    """Interrupt the main thread: the grace period is over."""
    log.warning("the progress could not be saved in %g s", watch.grace or 0)
    watch.time = -_SAME_SIGNAL
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, number)
