"""Place one tag of one plane on the reconstruction's (channel, tick) grid."""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roilab.frames.base import FrameFile, Rows, TagInfo
from roilab.frames.errors import BadChargeError, ChannelRangeError, MissingTagError, TickAxisError
from roilab.types import Frame, Range

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TickAxis:
    """Tick axis of the reconstruction, on which all tags of an event are placed."""

    start_ns: float  # time of tick 0 [ns]
    tick_ns: float  # length of a tick [ns]

    @classmethod
    def of(cls, info: TagInfo) -> "TickAxis":
        """Return the tick axis of a tag."""
        return cls(info.start_ns, info.tick_ns)

    def first_tick(self, info: TagInfo) -> int:
        """Return the tick of this axis for column 0 of a tag, rounded.

        Column time = start + (tbin + column) * tick.

        Raises:
            TickAxisError: the ticks of the tag have another length.
        """
        if not np.isclose(info.tick_ns, self.tick_ns, rtol=1e-6):
            raise TickAxisError(
                f"ticks of {info.tick_ns:g} ns against {self.tick_ns:g} ns in the reconstruction; "
                "expected the same. Resample one of them."
            )
        return round((info.start_ns - self.start_ns) / self.tick_ns) + info.tbin


def find_apas(frames: FrameFile, event: int, layer: str) -> tuple[str, ...]:
    """Return the APA numbers (as text, ascending) for which an event holds a tag of this layer.

    Tags end in the APA number (``loose_lf1``); a tag without one gives an empty text.
    """
    pattern = re.compile(re.escape(layer) + r"(\d*)")
    apas = [m[1] for tag in frames.tags(event) if (m := pattern.fullmatch(tag))]
    return tuple(sorted(apas, key=lambda apa: int(apa or -1)))


def first_channel(info: TagInfo, apa: str, channels_per_apa: int, where: str) -> int:
    """Return the global id of an anode's first channel.

    Ids are global (anode N starts at ``channels_per_apa`` * N), or every anode starts at 0 (older
    files and other detectors). The channels of a tag decide.

    Raises:
        ChannelRangeError: the ids fit neither numbering.
    """
    global_first = channels_per_apa * int(apa or 0)
    if not len(info.channels):
        return global_first
    low, high = int(info.channels.min()), int(info.channels.max())
    for first in (global_first, 0):
        if first <= low and high < first + channels_per_apa:
            return first
    raise ChannelRangeError(
        f"{where}: channels {low} to {high} fit neither an anode numbered from "
        f"{global_first} nor one from 0 with {channels_per_apa} channels; choose another "
        "detector, or set data.first_channel."
    )


def input_ticks(traces: Iterable[tuple[int, int]], tick0: int, nticks: int) -> int:
    """Return the number of ticks that WCT's node takes; ``nticks`` without traces.

    ``traces`` are first tick (tbin) and length of the traces of all input tags and of the tag with
    the deconvolved charge; ``tick0`` is the node's first tick. Source: Wire-Cell Toolkit,
    pytorch/src/DNNROIFinding.cxx.
    """
    return max((tbin + length - tick0 for tbin, length in traces), default=nticks)


def read_plane(
    frames: FrameFile, event: int, tag: str, channels: Range, ticks: Range, axis: TickAxis
) -> Frame:
    """Read one tag of one plane; channels and ticks that the file lacks are zero.

    Rows are placed by channel id, columns by time. So a tag may hold only some channels, start
    earlier, or be longer than the reconstruction. Only the rows of the plane are read. ``tag``
    includes the APA number; ``channels`` (global ids) and ``ticks`` (on ``axis``) are half-open.

    Returns:
        Shape (channel, tick), in the units of the file.

    Raises:
        MissingTagError: no event of the file has the tag. (WCT writes no tag without traces. If
            only this event lacks the tag, the image is zero.)
        BadChargeError: a sample is NaN or infinite.
    """
    shape = (channels[1] - channels[0], ticks[1] - ticks[0])
    if tag not in frames.tags(event):
        _check_tag_elsewhere(frames, event, tag)
        return np.zeros(shape, dtype=np.float32)
    info = frames.info(event, tag)
    where = f"{frames.path}: event {event}, tag '{tag}'"
    try:
        first = axis.first_tick(info) - ticks[0]  # column of the image where the tag starts
    except TickAxisError as error:
        raise TickAxisError(f"{where}: {error}") from error
    rows, places = _rows_in(info.channels, channels)
    samples = frames.read_rows(event, tag, rows)
    _check_finite(samples, info, rows, where)
    begin, end = max(first, 0), min(first + info.n_columns, shape[1])
    if samples.shape == shape and first == 0 and np.array_equal(places, np.arange(shape[0])):
        return samples.astype(np.float32, copy=False)
    image = np.zeros(shape, dtype=np.float32)
    if begin < end:
        image[places, begin:end] = samples[:, begin - first : end - first]
    return image


def _rows_in(ids: NDArray[np.int64], channels: Range) -> tuple[Rows, NDArray[np.int64]]:
    """Return the rows in a channel range (a slice if they are adjacent), and their image rows."""
    rows = np.flatnonzero((ids >= channels[0]) & (ids < channels[1]))
    places = ids[rows] - channels[0]
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
        return slice(int(rows[0]), int(rows[-1]) + 1), places
    return rows, places


def _check_tag_elsewhere(frames: FrameFile, event: int, tag: str) -> None:
    """Check that another event has the tag."""
    if not any(tag in frames.tags(other) for other in frames.events):
        raise MissingTagError(
            f"{frames.path}: event {event} has no tag '{tag}', nor has any other event; it has "
            f"{', '.join(frames.tags(event)) or 'none'}. Name tags the file holds "
            "(data.layers, data.truth) or write it again with this one."
        )
    log.warning(
        "%s: event %d has no tag '%s', which other events have; taken as zero.",
        frames.path,
        event,
        tag,
    )


def _check_finite(samples: NDArray[np.generic], info: TagInfo, rows: Rows, where: str) -> None:
    """Check for NaN and infinite samples."""
    if not np.issubdtype(samples.dtype, np.floating) or np.isfinite(samples).all():
        return
    bad = ~np.isfinite(samples)
    row, column = np.argwhere(bad)[0]
    raise BadChargeError(
        f"{where}: {int(bad.sum())} of {bad.size} samples are NaN or infinite, the first in "
        f"channel {info.channels[rows][row]} at column {column}; expected finite charge. Repair or "
        "leave out this event."
    )
