"""Write the frames of an event to frame files."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.detectors.detector import Detector
from roilab.frames import FrameWriter
from roilab.types import Frame

TRUTH_TAG = "deposplat"


def write_event(
    rec: FrameWriter,
    tru: FrameWriter,
    config: Mapping[str, Any],
    detector: Detector,
    index: int,
    planes: Mapping[int, Mapping[str, NDArray[Any]]],
    truth: Mapping[int, Frame],
) -> None:
    """Write the frames by plane and tag and the truth by plane, (channel, tick), to two files.

    ``config`` has the ``tags``, their ``rounding`` and ``first_event``; ``index`` is the number of
    the event in the sample.
    """
    written = sorted(truth)
    first, counts = detector.first_channels, [plane.channels for plane in detector.planes]
    channels = np.concatenate([first[p] + np.arange(counts[p]) for p in written])
    event, clock = config["first_event"] + index, (detector.tick0_ns, detector.tick_ns)

    def write(
        file: FrameWriter,
        tag: str,
        frames: Mapping[int, NDArray[Any]],
        summary: NDArray[Any] | None = None,
    ) -> None:
        # Plane by plane: the frames of the largest detectors take 0.3 GB each.
        samples = np.empty((len(channels), detector.nticks), dtype=frames[written[0]].dtype)
        row = 0
        for plane in written:
            rows = slice(row, row := row + counts[plane])
            samples[rows] = round_samples(frames[plane], tag, config["rounding"])
        file.add(event, f"{tag}{detector.apa}", samples, channels, *clock, summary=summary)

    for tag in config["tags"]:
        summaries = [planes[plane].get(f"{tag}_summary") for plane in written]
        known = [one for one in summaries if one is not None]
        frames = {plane: tags[tag] for plane, tags in planes.items()}
        write(rec, tag, frames, np.concatenate(known) if known else None)
    write(tru, TRUTH_TAG, truth)


def round_samples(samples: NDArray[Any], tag: str, rounding: Mapping[str, float]) -> NDArray[Any]:
    """Round to multiples of the tag's step; ``decon_charge`` to odd multiples, never to 0."""
    step = rounding.get(tag, 0)
    if not step:
        return samples
    unit = np.float32(step)
    if tag == "decon_charge":
        return (2 * np.floor(samples / (2 * unit)) + 1) * unit
    return np.rint(samples / unit) * unit
