"""What becomes of freed memory: it stays in the process, or goes back to the system."""

import ctypes
import os
from functools import cache

# mallopt(3): parameters, and their values.
_SETTINGS = (
    (-4, 0),  # M_MMAP_MAX: all blocks are in the heap; mappings are returned when they are freed
    (-1, -1),  # M_TRIM_THRESHOLD: nothing is returned at the end of the heap
    (-2, 2**26),  # M_TOP_PAD: the heap grows by at least 64 MiB
)
_CHOICES_OF_THE_USER = ("MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")


def reuse_freed_memory() -> bool:
    """Let glibc keep the memory of large tensors after they are freed; else do nothing.

    By default glibc returns blocks of 32 MiB and more to the system at once. The features of a
    wire plane are that large, so the kernel would give and clear hundreds of thousands of pages
    in every step of a training, a fifth of its time (docs/training.md). Before the process forks,
    all free memory is returned; otherwise the new process would hold a copy of it.

    Nothing is changed if an environment variable of mallopt(3) sets one of these thresholds.

    Returns:
        True if memory is kept from now on; false where the C library is not glibc.
    """
    if any(name in os.environ for name in _CHOICES_OF_THE_USER):
        return False
    library = ctypes.CDLL(None)
    # Other C libraries lack one of both functions, or have them without effect.
    if not hasattr(library, "gnu_get_libc_version") or not hasattr(library, "mallopt"):
        return False
    _return_before_forks()
    return all(library.mallopt(parameter, value) for parameter, value in _SETTINGS)


def return_freed_memory() -> None:
    """Return freed memory to the system, where the C library is glibc; else do nothing.

    Frames of 20 MB are freed after every event, but HDF5 keeps small blocks of the open files
    between them, so glibc may find no room there for the next frames and take more memory. The
    process of a file with 100 events reached 5.6 GB without this.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@cache
def _return_before_forks() -> None:
    os.register_at_fork(before=return_freed_memory)
