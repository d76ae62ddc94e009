"""Faults of the machine that a user can act on: memory, killed processes, files not writable."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from roilab.errors import RoilabError

# Of writing: no permission, no space, or a file in the place of a folder.
_WRITING = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENOTDIR, errno.EEXIST, errno.EISDIR),
}
_WORKER = re.compile(r"DataLoader worker.*?(killed by signal: [^.]*|exited unexpectedly)", re.S)
_TRIED = re.compile(r"[Tt]ried to allocate ([\d.]+ \w+)")


class MachineError(RoilabError):
    """The machine has too little memory or disk, or ended a process."""


@contextmanager
def explain_faults(less_memory: str) -> Iterator[None]:
    """Raise a ``MachineError`` with advice in place of a fault of the machine.

    Args:
        less_memory: a sentence on how to need less memory.

    Raises:
        MachineError: memory or disk is full, a process was killed, a file cannot be written.
    """
    try:
        yield
    except RoilabError:
        raise
    except Exception as error:
        if (text := explain(error, less_memory)) is not None:
            raise MachineError(text) from error
        raise


def explain(error: BaseException, less_memory: str) -> str | None:
    """Return what a fault of the machine means and what to do; ``None`` for other errors."""
    text = str(error)
    if worker := _WORKER.search(text):
        return (
            f"A process that loads batches ended ({worker[1]}); most often the memory of the "
            "machine, or its shared memory, is full. Lower data.num_workers (0: no such process) "
            "or data.batch_size, or give the job more memory."
        )
    # The type's name: this module does not import torch.
    gpu = type(error).__name__ == "OutOfMemoryError"
    if gpu or isinstance(error, MemoryError) or "DefaultCPUAllocator" in text:
        tried = _TRIED.search(text)
        size = f" ({tried[1]} more were asked for)" if tried else ""
        return f"The memory of the {'GPU' if gpu else 'machine'} is full{size}. {less_memory}"
    if isinstance(error, OSError) and error.errno in _WRITING:
        path = f"{error.filename}: cannot be written" if error.filename else "A file is not written"
        return (
            f"{path} ({error.strerror}); expected a folder with space that you may write to. Name "
            "another with output_dir=FOLDER, or free space."
        )
    return None
