"""What an archive of depositions holds, the input of a job of the Wire-Cell Toolkit.

``roilab simulate output=depos`` writes such archives; for their arrays see
``roilab.simulate.depo_files``.
"""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roilab.errors import RoilabError

_DATA = re.compile(r"depo_data_(\d+)\.npy")
_COLUMNS = 7  # time, charge, x, y, z, widths along and across the drift
Interval = tuple[float, float]


class DepositionsError(RoilabError):
    """An archive of depositions cannot be read."""


@dataclass(frozen=True)
class DepositionSummary:
    """The depositions of one event.

    Attributes:
        event: its number.
        groups: number of groups of electrons.
        electrons: charge of all groups [electrons].
        time_us: first and last time [us]; ``None`` without groups, as for the others.
        position_cm: smallest and largest x, y and z [cm].
    """

    event: int
    groups: int
    electrons: float
    time_us: Interval | None
    position_cm: tuple[Interval, ...] | None


def is_depositions(path: Path) -> bool:
    """Return whether a file is an archive of depositions."""
    if path.suffix != ".npz" or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(_DATA.fullmatch(name) for name in archive.namelist())
    except zipfile.BadZipFile:
        return False  # the reader of frames says what is wrong


def summarize_depositions(path: Path) -> list[DepositionSummary]:
    """Return what an archive holds, by event.

    Raises:
        DepositionsError: an array is damaged or is no array of depositions.
    """
    found = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if match := _DATA.fullmatch(name):
                found.append(_summarize(int(match[1]), _read(archive, path, name)))
    return sorted(found, key=lambda summary: summary.event)


def _read(archive: zipfile.ZipFile, path: Path, name: str) -> NDArray[np.floating]:
    try:
        with archive.open(name) as stream:
            data = np.lib.format.read_array(stream, allow_pickle=False)
    except Exception as error:  # any type: of the archive and of the array in it
        raise DepositionsError(
            f"{path}: {name} cannot be read ({type(error).__name__}). The file is damaged: copy it "
            "again, or simulate it again."
        ) from error
    if data.ndim != 2 or data.shape[1] != _COLUMNS or data.dtype.kind != "f":
        raise DepositionsError(
            f"{path}: {name} has shape {data.shape} of {data.dtype}; expected a row of {_COLUMNS} "
            "numbers for every group of electrons. Check what wrote it."
        )
    return data


def _summarize(event: int, data: NDArray[np.floating]) -> DepositionSummary:
    if not len(data):
        return DepositionSummary(event, 0, 0.0, None, None)
    low, high = data.min(axis=0).astype(float), data.max(axis=0).astype(float)
    return DepositionSummary(
        event=event,
        groups=len(data),
        electrons=float(np.abs(data[:, 1]).sum(dtype=float)),
        time_us=(low[0] / 1e3, high[0] / 1e3),
        position_cm=tuple((low[k] / 10, high[k] / 10) for k in (2, 3, 4)),
    )
