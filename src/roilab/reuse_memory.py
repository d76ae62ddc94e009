"""Keep freed memory in the process, so that every training step need not ask for it again."""

import ctypes
import os

# mallopt(3): parameters, and their values.
_SETTINGS = (
    (-4, 0),  # M_MMAP_MAX: no block has a mapping of its own, which would be returned when freed
    (-1, -1),  # M_TRIM_THRESHOLD: nothing is returned at the end of the heap
    (-2, 2**26),  # M_TOP_PAD: the heap grows by at least 64 MiB
)
_CHOICES_OF_THE_USER = ("MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")


def reuse_freed_memory() -> bool:
    """Let glibc keep the memory of large tensors after they are freed; else do nothing.

    By default glibc returns blocks of 32 MiB and more to the system at once. The features of a
    wire plane are that large, so the kernel would give and clear hundreds of thousands of pages
    in every step, a fifth of the time of a training (docs/training.md).

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
    return all(library.mallopt(parameter, value) for parameter, value in _SETTINGS)
