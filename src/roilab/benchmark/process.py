"""Memory of the process that asks, as Linux tells it."""

import resource
from pathlib import Path

from roilab.errors import RoilabError

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): the peak of resident memory becomes what is resident now


class MeasurementError(RoilabError):
    """Memory or time cannot be measured, or not as asked."""


def check_system() -> None:
    """See that this system tells how much memory a process holds.

    Raises:
        MeasurementError: it has no ``/proc``.
    """
    if not _STATUS.is_file():
        raise MeasurementError(
            f"{_STATUS}: there is no such file; memory is measured through /proc, as Linux has it. "
            "Run this on Linux."
        )


def resident_mb() -> float:
    """Resident memory now [MB, 1e6 bytes]."""
    return _status("VmRSS")


class PeakMemory:
    """The most resident memory from now on.

    Where the kernel does not let a process reset its peak, it is that of the whole life of the
    process.

    Attributes:
        since_reset: whether the peak counts from now on.
    """

    def __init__(self) -> None:
        try:
            _CLEAR.write_text(_RESET_PEAK)
        except OSError:
            self.since_reset = False
        else:
            self.since_reset = True

    def mb(self) -> float:
        """The peak so far [MB, 1e6 bytes]."""
        if self.since_reset:
            return _status("VmHWM")
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _status(key: str) -> float:
    for line in _STATUS.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024 / 1e6
    raise MeasurementError(f"{_STATUS}: has no {key}; expected a Linux kernel that counts it.")
