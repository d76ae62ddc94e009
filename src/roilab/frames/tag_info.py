"""Channels and ticks of a tag: read from its three arrays, and checked."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.frames.errors import FrameFileError

# Above these limits a size is taken for damage; they bound the memory of every read.
MAX_ROWS = 10_000_000  # channels or ticks of a frame
MAX_BYTES = 1 << 32  # of a frame
_MAX_TIME_NS = 1e18  # 30 years
_REAL = "iuf"  # integers and floating-point numbers


@dataclass(frozen=True)
class ArrayType:
    """Shape and sample type of a stored array; ``shape`` is ``None`` for an array without any."""

    shape: tuple[int, ...] | None
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class TagInfo:
    """Channels and ticks of one tag of an event."""

    where: str  # file, event and tag, for messages
    channels: NDArray[np.int64]  # channel id of every row, shape (row,)
    start_ns: float  # start time of the frame [ns]
    tick_ns: float  # length of a tick [ns]
    tbin: int  # tick of the frame in column 0
    n_columns: int  # number of ticks
    dtype: np.dtype[Any]  # sample type in the file
    channel_first: bool  # stored as (channel, tick), else as (tick, channel)
    rebin: int = 1  # ticks of a stored sample, which is their mean and is repeated for each


def check_arrays(where: str, frame: ArrayType, channels: ArrayType, tickinfo: ArrayType) -> None:
    """Check shapes and types of the arrays of a tag, before any of them is read.

    Raises:
        FrameFileError: a frame is not of two dimensions of real numbers, is too large, or the
            arrays do not fit together.
    """
    for name, array in (("frame", frame), ("channels", channels), ("tickinfo", tickinfo)):
        if array.dtype.kind not in _REAL:
            raise FrameFileError(
                f"{where}: {name} holds values of type {str(array.dtype)[:60]}; expected integers "
                "or floating-point numbers. Write the file again."
            )
    count = None if channels.shape is None else math.prod(channels.shape)
    shape = frame.shape or ()
    if len(shape) != 2 or channels.shape != (count,) or count not in shape:
        raise FrameFileError(
            f"{where}: frame of shape {frame.shape} against "
            f"{count if channels.shape == (count,) else f'shape {channels.shape} of'} channels; "
            "expected a two-dimensional frame with one row (or column) a channel. Write the file "
            "again."
        )
    size = math.prod(shape) * frame.dtype.itemsize
    if max(shape) > MAX_ROWS or size > MAX_BYTES:
        raise FrameFileError(
            f"{where}: frame of shape {shape}, {size / 1e9:.3g} GB; expected at most {MAX_ROWS} "
            f"channels or ticks and {MAX_BYTES / 1e9:.2g} GB. The file is damaged or no frame file."
        )
    if tickinfo.shape is None or math.prod(tickinfo.shape) != 3:
        raise FrameFileError(
            f"{where}: tickinfo is of shape {tickinfo.shape}; expected 3 numbers (start time, "
            "tick, first tick). Write the file again."
        )


def tag_info(
    where: str,
    frame: ArrayType,
    channels: NDArray[Any],
    tickinfo: NDArray[Any],
    channel_first: bool,
    rebin: int = 1,
) -> TagInfo:
    """Return channels and ticks of a tag whose arrays passed ``check_arrays``.

    Raises:
        FrameFileError: a channel id or a time is no possible value.
    """
    start_ns, tick_ns, tbin = (float(value) for value in np.ravel(tickinfo))
    within = all(abs(value) < _MAX_TIME_NS for value in (start_ns, tick_ns, tbin))  # no NaN either
    if not within or tick_ns <= 0 or tbin != round(tbin):
        raise FrameFileError(
            f"{where}: tickinfo is {[start_ns, tick_ns, tbin]}; expected a start time [ns], a tick "
            "above 0 [ns] and an integer, the first tick. Write the file again."
        )
    assert frame.shape is not None
    return TagInfo(
        where=where,
        channels=_channel_ids(where, channels),
        start_ns=start_ns,
        tick_ns=tick_ns,
        tbin=round(tbin),
        n_columns=frame.shape[1] if channel_first else frame.shape[0],
        dtype=frame.dtype,
        channel_first=channel_first,
        rebin=rebin,
    )


def _channel_ids(where: str, channels: NDArray[Any]) -> NDArray[np.int64]:
    """Return the channel ids as integers; they are integers from 0, each once."""
    good = (channels >= 0) & (channels < 2**31)  # false for NaN; WCT's ids are 32-bit integers
    with np.errstate(invalid="ignore"):
        ids: NDArray[np.int64] = channels.astype(np.int64)
    good &= ids == channels
    if not good.all():
        raise FrameFileError(
            f"{where}: channel id {channels[~good][0]} in row {np.flatnonzero(~good)[0]}; expected "
            "integers from 0. Write the file again."
        )
    if len(np.unique(ids)) != len(ids):
        values, counts = np.unique(ids, return_counts=True)
        raise FrameFileError(
            f"{where}: {int((counts > 1).sum())} channels have more than one row, the first is "
            f"{values[counts > 1][0]}; expected one row a channel. Write the file again."
        )
    return ids
