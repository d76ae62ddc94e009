"""Write files atomically: complete under their name, or not there at all.

Every file of roilab is written through this module.
"""

import csv
import io
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # matplotlib takes time to import
    from matplotlib.figure import Figure


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path; sync it to disk and rename it to ``path`` on success.

    The folder of ``path`` is made where it is absent. The temporary file is hidden, lies in the
    same folder, has the same suffix and is removed when writing fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        _sync(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until the contents of a file are on the disk, not only in the system's memory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a binary file."""
    with atomic_write(path) as partial:
        partial.write_bytes(content)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file; NaN and infinity, which JSON does not have, become ``null``."""
    write_text(path, json.dumps(_finite(content), indent=2) + "\n")


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write one line a row; columns in order of first appearance, NaN and missing cells empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    write_text(path, text.getvalue())


def save_figure(path: Path, figure: "Figure", **options: Any) -> None:
    """Write a matplotlib figure, with options of ``savefig``; the suffix gives the format."""
    with atomic_write(path) as partial:
        figure.savefig(partial, **options)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return value


def _finite(value: Any) -> Any:
    """Copy a JSON value with ``None`` in place of every NaN and infinity."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value
