"""All kinds of frame files of the corpus."""

from collections.abc import Iterator

import corpus_archives
import corpus_arrays
import corpus_hdf5
from corpus_kind import Kind

__all__ = ["Kind", "kinds"]


def kinds() -> Iterator[Kind]:
    """Yield every kind."""
    for module in (corpus_arrays, corpus_hdf5, corpus_archives):
        yield from module.kinds()
