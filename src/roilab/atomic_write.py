"""Files written whole or not at all: under another name first, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write what becomes ``path``, unless writing fails.

    The name to write under ends as that of ``path``, for what looks at it, and is hidden.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """A text file, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(text)


def write_bytes(path: Path, content: bytes) -> None:
    """A file, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_bytes(content)
