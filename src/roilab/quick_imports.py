"""Imports of thousands of modules, without the garbage collections that they would start."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import large packages in this block, in about two thirds of the time.

    Modules are never garbage, but every few thousand new objects start a search for it. What
    exists at the end of the block is also left out of later searches, and of the one at the end of
    the process, which takes seconds; unless the block has imported nothing. For commands only: in
    a notebook the objects of its user would be left out too.
    """
    enabled, before = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
    if len(sys.modules) > before:
        gc.freeze()
