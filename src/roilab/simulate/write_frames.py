"""Write the frames of an event to frame files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.detectors.detector import Detector
from roilab.frames import FrameWriter
from roilab.simulate.coincidence import MASK_VALUE
from roilab.types import Frame

TRUTH_TAG = "deposplat"


@dataclass(frozen=True)
class EventWriter:
    """Writes the frames of one event.

    ``config`` has the ``tags``, their ``rounding`` and ``first_event``; ``index`` is the number of
    the event in the sample.
    """

    config: Mapping[str, Any]
    detector: Detector
    index: int

    def write_reconstruction(
        self, files: Sequence[FrameWriter], planes: Mapping[int, dict[str, NDArray[Any]]]
    ) -> None:
        """Write frames by plane and tag, (channel, tick), and remove each from ``planes``.

        So memory is freed with every tag: a frame of the largest detector takes 0.3 GB.
        """
        for tag in self.config["tags"]:
            summaries = [planes[plane].get(f"{tag}_summary") for plane in sorted(planes)]
            known = [one for one in summaries if one is not None]
            frames = {plane: tags.pop(tag) for plane, tags in planes.items()}
            self._write(files, tag, frames, np.concatenate(known) if known else None)

    def write_truth(self, files: Sequence[FrameWriter], truth: Mapping[int, Frame]) -> None:
        """Write the truth by plane, (channel, tick)."""
        self._write(files, TRUTH_TAG, truth)

    def _write(
        self,
        files: Sequence[FrameWriter],
        tag: str,
        frames: Mapping[int, NDArray[Any]],
        summary: NDArray[Any] | None = None,
    ) -> None:
        detector, written = self.detector, sorted(frames)
        counts = [plane.channels for plane in detector.planes]
        channels = np.concatenate(
            [detector.first_channels[p] + np.arange(counts[p]) for p in written]
        )
        kind = frames[written[0]].dtype
        shape = len(channels), detector.nticks
        samples = np.empty(shape, dtype=np.float32 if kind == np.bool_ else kind)
        row = 0
        for plane in written:
            rows = slice(row, row := row + counts[plane])
            samples[rows] = round_samples(frames[plane], tag, self.config["rounding"])
        event, full_tag = self.config["first_event"] + self.index, f"{tag}{detector.apa}"
        clock = detector.tick0_ns, detector.tick_ns
        for file in files:
            file.add(event, full_tag, samples, channels, *clock, summary=summary)


def round_samples(samples: NDArray[Any], tag: str, rounding: Mapping[str, float]) -> NDArray[Any]:
    """Round to multiples of the tag's step; ``decon_charge`` to odd multiples, never to 0.

    A mask becomes a frame of 0 and 4000.
    """
    if samples.dtype == np.bool_:
        return np.where(samples, np.float32(MASK_VALUE), np.float32(0))
    step = rounding.get(tag, 0)
    if not step:
        return samples
    unit = np.float32(step)
    if tag == "decon_charge":
        return (2 * np.floor(samples / (2 * unit)) + 1) * unit
    return np.rint(samples / unit) * unit
