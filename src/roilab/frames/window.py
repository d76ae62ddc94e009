"""The anode and the readout that the tags of an event belong to."""

from dataclasses import dataclass

from roilab.frames.errors import ChannelRangeError, TickAxisError
from roilab.frames.tag_info import TagInfo
from roilab.types import Range


@dataclass(frozen=True)
class Window:
    """Channels of an anode and ticks of the readout; a tag with samples has some in it."""

    channels: Range  # half-open, of channel ids
    ticks: Range  # half-open, on the tick axis of the reconstruction


def check_in_window(info: TagInfo, first_tick: int, window: Window, reach: int = 0) -> None:
    """Check that a tag has a channel of the anode and a tick of the readout.

    A tag without samples passes: WCT writes it where there are no traces.

    Args:
        info: of the tag.
        first_tick: of the tag's column 0.
        window: anode and readout.
        reach: a tag shorter than the readout may also lie this close to it [ticks]. Charge can
            arrive before or after the readout, so truth may have nothing in it.

    Raises:
        ChannelRangeError: no channel is one of the anode.
        TickAxisError: the tag lies outside the readout.
    """
    if not len(info.channels) or not info.n_columns:
        return
    begin, end = window.channels
    if not ((info.channels >= begin) & (info.channels < end)).any():
        raise ChannelRangeError(
            f"{info.where}: channels {info.channels.min()} to {info.channels.max()}, but the anode "
            f"has {begin} to {end - 1}; expected some of these. The tag is of another anode or its "
            "ids start from another number: name another tag, or write it again with the same ids."
        )
    begin, end = window.ticks
    last_tick = first_tick + info.n_columns
    gap = max(first_tick - end, begin - last_tick)
    if gap >= 0 and (gap >= reach or info.n_columns >= end - begin):
        raise TickAxisError(
            f"{info.where}: ticks {first_tick} to {last_tick - 1}, outside the readout ({begin} to "
            f"{end - 1}); expected an overlap. Its start time does not fit the reconstruction's: "
            "write it again with the same time."
        )
