"""Place one tag of one plane on the reconstruction's (channel, tick) grid."""

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.frames.base import FrameFile, Rows
from roilab.frames.errors import BadChargeError, MissingTagError, TickAxisError
from roilab.frames.names import shown_tags
from roilab.frames.tag_info import TagInfo
from roilab.frames.window import Window, check_in_window
from roilab.types import Frame, Mask, Range

log = logging.getLogger(__name__)

# No charge is as large; sums and squares of it fit into float32 still.
_MAX_CHARGE = 1e18


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
                f"{info.where}: ticks of {info.tick_ns:g} ns against {self.tick_ns:g} ns in the "
                "reconstruction; expected the same. Resample one of them."
            )
        return round((info.start_ns - self.start_ns) / self.tick_ns) + info.tbin


def find_apas(frames: FrameFile, event: int, layer: str) -> tuple[str, ...]:
    """Return the APA numbers (as text, ascending) for which an event holds a tag of this layer.

    Tags end in the APA number (``loose_lf1``); a tag without one gives an empty text.
    """
    pattern = re.compile(re.escape(layer) + "([0-9]{0,9})")
    apas = [m[1] for tag in frames.tags(event) if (m := pattern.fullmatch(tag))]
    return tuple(sorted(apas, key=lambda apa: int(apa or -1)))


def find_truth_tag(frames: FrameFile, names: Sequence[str], apa: str) -> str | None:
    """Return the first truth tag that any event has, or ``None``.

    It ends in the APA number, or has none; an event without charge may lack it.
    """
    candidates = [tag for name in names for tag in dict.fromkeys((name + apa, name))]
    return next((tag for tag in candidates if tag in frames.all_tags), None)


def input_ticks(traces: Iterable[tuple[int, int]], tick0: int, nticks: int) -> int:
    """Return the number of ticks that WCT's node takes; ``nticks`` without traces.

    ``traces`` are first tick (tbin) and length of the traces of all input tags and of the tag with
    the deconvolved charge; ``tick0`` is the node's first tick. Source: Wire-Cell Toolkit,
    pytorch/src/DNNROIFinding.cxx.
    """
    return max((tbin + length - tick0 for tbin, length in traces), default=nticks)


def read_plane(
    frames: FrameFile,
    event: int,
    tag: str,
    channels: Range,
    ticks: Range,
    axis: TickAxis,
    window: Window | None = None,
    reach: int = 0,
) -> Frame:
    """Read one tag of one plane; channels and ticks that the file lacks are zero.

    Rows are placed by channel id, columns by time. So a tag may hold only some channels, start
    earlier, or be longer than the reconstruction. Only the samples of the image are read. ``tag``
    includes the APA number; ``channels`` (global ids) and ``ticks`` (on ``axis``) are half-open;
    ``window`` and ``reach`` are those of ``check_in_window``.

    Returns:
        Shape (channel, tick), in the units of the file.

    Raises:
        MissingTagError: no event of the file has the tag. (WCT writes no tag without traces. If
            only this event lacks the tag, the image is zero.)
        BadChargeError: a sample is NaN, infinite or too large.
        FrameFileError: (its subclasses too) the tag is damaged or not of this anode and readout.
    """
    shape = (channels[1] - channels[0], ticks[1] - ticks[0])
    if tag not in frames.tags(event):
        _check_tag_elsewhere(frames, event, tag)
        return np.zeros(shape, dtype=np.float32)
    info = frames.info(event, tag)
    tag_start = axis.first_tick(info)
    if window is not None:
        check_in_window(info, tag_start, window, reach)
    first = tag_start - ticks[0]  # column of the image where the tag starts
    begin, end = max(first, 0), min(first + info.n_columns, shape[1])
    rows, places = _rows_in(info.channels, channels)
    if begin >= end or not len(places):
        return np.zeros(shape, dtype=np.float32)
    samples = frames.read_rows(event, tag, rows, (begin - first, end - first))
    charge = _to_charge(samples, info, rows, begin - first)
    if charge.shape == shape and np.array_equal(places, np.arange(shape[0])):
        return charge
    image = np.zeros(shape, dtype=np.float32)
    image[places, begin:end] = charge
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
    if tag not in frames.all_tags:
        raise MissingTagError(
            f"{frames.path}: event {event} has no tag '{tag}', nor has any other event; it has "
            f"{shown_tags(frames.tags(event))}. Name tags the file holds "
            "(data.layers, data.truth) or write it again with this one."
        )
    log.warning(
        "%s: event %d has no tag '%s', which other events have; taken as zero.",
        frames.path,
        event,
        tag,
    )


def is_bad(samples: NDArray[Any]) -> Mask:
    """Return where samples are no charge: NaN, infinite, or above 1e18."""
    wide = samples.astype(np.result_type(samples.dtype, np.float32), copy=False)
    return ~((wide >= -_MAX_CHARGE) & (wide <= _MAX_CHARGE))


def _to_charge(samples: NDArray[Any], info: TagInfo, rows: Rows, first_column: int) -> Frame:
    """Return samples as float32, in C order.

    Raises:
        BadChargeError: a sample is NaN, infinite or above 1e18.
    """
    # NaN is the minimum and the maximum of an array that holds one, and fails both comparisons.
    if float(samples.min()) >= -_MAX_CHARGE and float(samples.max()) <= _MAX_CHARGE:
        return np.ascontiguousarray(samples, dtype=np.float32)
    bad = is_bad(samples)
    row, column = np.argwhere(bad)[0]
    raise BadChargeError(
        f"{info.where}: {int(bad.sum())} of {bad.size} samples are NaN or infinite (or above "
        f"{_MAX_CHARGE:g}), the first in channel {info.channels[rows][row]} at column "
        f"{first_column + column}; expected finite charge. Repair or leave out this event."
    )
