"""Memory of the current process, as Linux reports it."""

from roilab.errors import RoilabError
from roilab.peak_memory import status_mb


class MeasurementError(RoilabError):
    """Memory or time cannot be measured with these settings, or on this machine."""


def resident_mb() -> float:
    """Return the resident memory now [MB, 1e6 bytes].

    Raises:
        MeasurementError: this system does not report it.
    """
    memory = status_mb("VmRSS")
    if memory is None:
        raise MeasurementError(
            "/proc/self/status: has no VmRSS, or there is no such file; memory is read from /proc, "
            "where Linux counts it. Run this on Linux."
        )
    return memory
