"""Freed memory stays in the process, unless the user has chosen otherwise or it forks."""

import platform
import resource
import subprocess
import sys

import pytest

from roilab.freed_memory import reuse_freed_memory

# Page faults of ten blocks of 100 MB, each freed before the next: none if they use the same memory.
FAULTS = """
import ctypes, os, resource
from roilab.freed_memory import reuse_freed_memory
library, size = ctypes.CDLL(None), 100_000_000
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]
def fill():
    block = library.malloc(size)
    ctypes.memset(block, 1, size)
    library.free(block)
reused = reuse_freed_memory()
fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    fill()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
def resident():
    return int(open("/proc/self/statm").read().split()[1])
kept = resident()
if os.fork() == 0:
    os._exit(0)
print(reused, faults, kept - resident())
"""


def use_large_blocks(environment: dict[str, str]) -> tuple[bool, int, int]:
    """Return whether memory is kept, the page faults, and the pages that a fork returns."""
    done = subprocess.run(
        [sys.executable, "-c", FAULTS], env=environment, capture_output=True, text=True, check=True
    )
    reused, faults, returned = done.stdout.split()
    return reused == "True", int(faults), int(returned)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_large_blocks_use_the_same_memory_again() -> None:
    pages = 100_000_000 // resource.getpagesize()
    reused, faults, returned = use_large_blocks({})
    assert reused
    assert faults < pages / 10
    assert returned > 0.9 * pages
    # Thresholds that the user sets stay.
    reused, *_ = use_large_blocks({"MALLOC_MMAP_THRESHOLD_": "131072"})
    assert not reused


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert not reuse_freed_memory()
