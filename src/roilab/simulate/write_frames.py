"""Write the frames of an event to frame files."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.detectors.detector import PLANE_NAMES, Detector
from roilab.frames import FrameWriter
from roilab.types import Frame

TRUTH_TAG = "deposplat"


def write_event(
    rec: FrameWriter,
    tru: FrameWriter,
    config: Mapping[str, Any],
    detector: Detector,
    index: int,
    planes: Sequence[Mapping[str, NDArray[Any]]],
    truth: Sequence[Frame],
) -> None:
    """Write the frames by tag and the truth of U, V and W, each (channel, tick), to two files.

    ``config`` chooses ``planes`` and ``tags`` and has their ``rounding`` and ``first_event``;
    ``index`` is the number of the event in the sample.
    """
    written = [number for number, name in enumerate(PLANE_NAMES) if name in config["planes"]]
    first, counts = detector.first_channels, [plane.channels for plane in detector.planes]
    channels = np.concatenate([first[p] + np.arange(counts[p]) for p in written])
    event, clock = config["first_event"] + index, (detector.tick0_ns, detector.tick_ns)

    def write(file: FrameWriter, tag: str, frames: Sequence[NDArray[Any]]) -> None:
        samples = np.concatenate(frames)
        samples = round_samples(samples, tag, config["rounding"])
        file.add(event, f"{tag}{detector.apa}", samples, channels, *clock)

    for tag in config["tags"]:
        write(rec, tag, [planes[number][tag] for number in written])
    write(tru, TRUTH_TAG, [truth[number] for number in written])


def round_samples(samples: NDArray[Any], tag: str, rounding: Mapping[str, float]) -> NDArray[Any]:
    """Round to multiples of the tag's step; ``decon_charge`` to odd multiples, never to 0."""
    step = rounding.get(tag, 0)
    if not step:
        return samples
    unit = np.float32(step)
    if tag == "decon_charge":
        return (2 * np.floor(samples / (2 * unit)) + 1) * unit
    return np.rint(samples / unit) * unit
