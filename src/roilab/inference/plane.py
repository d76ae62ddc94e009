"""The frames of one judged image, tick by tick, as WCT's node gets them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roilab.data import ImageSource, open_plane
from roilab.evaluate.settings import Detector
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
    source: ImageSource, tags: tuple[str, ...], node_tags: tuple[str, ...], detector: Detector
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
    with open_plane(source, tags) as plane:
        traces = [
            (plane.axis.first_tick(plane.infos[tag]), plane.infos[tag].n_columns)
            for tag in node_tags
            if tag in plane.infos and len(plane.infos[tag].channels)
        ]
        tick0, end = detector.tick_range
        ticks = (tick0, tick0 + input_ticks(traces, tick0, end - tick0))
        read = {tag: plane.read(tag, channels, ticks) for tag in tags}
        return PlaneFrames(read, plane.read_truth(channels, ticks))
