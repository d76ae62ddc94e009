"""The frames of one judged image, tick by tick, as WCT's node gets them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roilab.data import ImageSource
from roilab.detectors import Readout
from roilab.frames import TickAxis, open_frames, read_plane
from roilab.wirecell import input_ticks

Frame = NDArray[np.float32]


@dataclass(frozen=True)
class PlaneFrames:
    """Frames of one plane on the reconstruction's ticks, each (channel, tick).

    Attributes:
        tags: frames of the reconstruction [electrons/tick], by tag without APA number.
        truth: truth charge [electrons/tick].
    """

    tags: Mapping[str, Frame]
    truth: Frame


def read_frames(
    source: ImageSource, tags: tuple[str, ...], node_tags: tuple[str, ...], detector: Readout
) -> PlaneFrames:
    """Read one image.

    Args:
        source: where it is.
        tags: what to read of the reconstruction, without APA number.
        node_tags: those of them that the node reads; they decide how many ticks there are.
        detector: where the planes lie.

    Raises:
        FrameFileError: (its subclasses too) the file's own fault, told with file, event and tag.
    """
    (channels,) = source.channel_ranges
    with open_frames(source.pair.rec) as rec, open_frames(source.pair.tru) as tru:
        present = rec.tags(source.rec_event)
        infos = {
            tag: rec.info(source.rec_event, tag + source.apa)
            for tag in tags
            if tag + source.apa in present
        }
        axis = TickAxis.of(next(iter(infos.values())))
        traces = [
            (axis.first_tick(infos[tag]), infos[tag].n_columns)
            for tag in node_tags
            if tag in infos and len(infos[tag].channels)
        ]
        tick0, end = detector.tick_range
        ticks = (tick0, tick0 + input_ticks(traces, tick0, end - tick0))
        read = {
            tag: read_plane(rec, source.rec_event, tag + source.apa, channels, ticks, axis)
            for tag in tags
        }
        truth = read_plane(tru, source.tru_event, source.truth_tag, channels, ticks, axis)
    return PlaneFrames(read, truth)
