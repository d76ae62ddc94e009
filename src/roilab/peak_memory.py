"""Peak resident memory of this process."""

import resource
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): the peak of resident memory becomes what is resident now


class PeakMemory:
    """Peak resident memory since this object was made.

    Where the kernel does not let a process reset its peak (``since_reset`` is false), it is the
    peak since the process began.
    """

    def __init__(self) -> None:
        try:
            _CLEAR.write_text(_RESET_PEAK)
        except OSError:
            self.since_reset = False
        else:
            self.since_reset = True

    def mb(self) -> float:
        """Return the peak so far [MB, 1e6 bytes]."""
        return peak_mb()


def peak_mb() -> float:
    """Return the peak since the process began or ``PeakMemory`` was made [MB, 1e6 bytes]."""
    peak = status_mb("VmHWM")
    if peak is None:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return peak


def status_mb(key: str) -> float | None:
    """Return a memory entry of ``/proc/self/status`` such as ``VmRSS`` [MB], ``None`` if absent."""
    if not _STATUS.is_file():
        return None
    for line in _STATUS.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024 / 1e6
    return None
