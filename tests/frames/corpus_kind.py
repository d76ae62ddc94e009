"""One kind of frame files, and short ways to make them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from corpus_files import Tags, changed, rec_tags, tru_tags, write

IN_LAYER = ("rec.", "event 100", "'mp2_roi1'")
IN_TRUTH = ("tru.", "event 100", "'deposplat1'")


@dataclass(frozen=True)
class Kind:
    """Files ``rec.*`` and ``tru.*``, and what reading them must give."""

    name: str
    write: Callable[[Path], object]  # writes the files into an empty folder
    names: tuple[str, ...] = ()  # what the message must contain; empty where the image is right
    images: Mapping[str, np.ndarray] = field(default_factory=dict)  # that differ from the base's
    inspect_code: int = -1  # of python -m roilab.inspect; -1: 1 for a fault, else 0

    def __post_init__(self) -> None:
        if self.inspect_code == -1:
            object.__setattr__(self, "inspect_code", int(self.is_fault))

    @property
    def is_fault(self) -> bool:
        return bool(self.names)


def pair(rec: Tags, tru: Tags, suffix: str = ".h5", **options: Any) -> Callable[[Path], object]:
    """Write both files in one container."""

    def to(folder: Path) -> None:
        write(folder / f"rec{suffix}", rec, **options)
        write(folder / f"tru{suffix}", tru, **options)

    return to


def rec_file(make: Callable[[Path], object], suffix: str = ".h5") -> Callable[[Path], object]:
    """Write a good truth file, and let ``make`` write ``rec`` at the path that it is given."""

    def to(folder: Path) -> None:
        write(folder / "tru.h5", tru_tags())
        make(folder / f"rec{suffix}")

    return to


def layer_faults(
    suffix: str, arrays: Iterable[tuple[str, Mapping[str, Any]]], tag: str = "mp2_roi1"
) -> list[Kind]:
    """Return kinds whose layer has other arrays, each a fault of that tag."""
    names = ("rec.", "event 100", f"'{tag}'")
    return [
        Kind(f"{suffix} {name}", pair(changed(rec_tags(), tag, **new), tru_tags(), suffix), names)
        for name, new in arrays
    ]
