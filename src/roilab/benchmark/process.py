"""Memory of the current process, as Linux reports it."""

import resource
from pathlib import Path

from roilab.errors import RoilabError

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): set the peak of resident memory to the present value


class MeasurementError(RoilabError):
    """Memory or time cannot be measured with these settings, or on this machine."""


def check_system() -> None:
    """Check that this system reports the memory of a process.

    Raises:
        MeasurementError: it has no ``/proc``.
    """
    if not _STATUS.is_file():
        raise MeasurementError(
            f"{_STATUS}: there is no such file; memory is read from /proc, which Linux has. Run "
            "this on Linux."
        )


def resident_mb() -> float:
    """Return the resident memory [MB, 1e6 bytes]."""
    return _status("VmRSS")


class PeakMemory:
    """Peak of the resident memory since the creation of this object.

    Where the kernel does not let a process reset its peak, the peak since the process started.

    Attributes:
        since_reset: whether the peak was reset.
    """

    def __init__(self) -> None:
        try:
            _CLEAR.write_text(_RESET_PEAK)
        except OSError:
            self.since_reset = False
        else:
            self.since_reset = True

    def mb(self) -> float:
        """Return the peak until now [MB, 1e6 bytes]."""
        if self.since_reset:
            return _status("VmHWM")
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _status(key: str) -> float:
    for line in _STATUS.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024 / 1e6
    raise MeasurementError(f"{_STATUS}: has no {key}; expected a Linux kernel that counts it.")
