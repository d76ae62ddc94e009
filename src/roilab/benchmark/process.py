"""Memory of the current process, as Linux reports it."""

from pathlib import Path

from roilab.errors import RoilabError
from roilab.peak_memory import status_mb

_STATUS = Path("/proc/self/status")


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
    """Return the resident memory now [MB, 1e6 bytes]."""
    memory = status_mb("VmRSS")
    if memory is None:
        raise MeasurementError(
            "/proc/self/status: has no VmRSS; expected a Linux kernel that counts it."
        )
    return memory
