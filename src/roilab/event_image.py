"""One image of a network with its truth, as the pictures of a run need it."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roilab.atomic_write import atomic_write
from roilab.types import Frame, Mask, Range

_MOST = 32767  # of a 16-bit integer
_FEW = 64  # a mask that was rebinned by less than this has no more values


@dataclass(frozen=True)
class EventImage:
    """Layers, truth and ROI probability of one image; arrays are (channel, slice).

    Attributes:
        layers: input of the network (layer, channel, slice) [electrons/tick].
        names: of the layers.
        truth: charge [electrons/tick].
        truth_mask: target of the training.
        probability: of a ROI.
        mask_thresh: of the ROI mask on the probability.
        channels: half-open range of channel ids; ``None`` for rows of stacked planes.
        ticks: half-open range, of all slices.
    """

    layers: Frame
    names: Sequence[str]
    truth: Frame
    truth_mask: Mask
    probability: Frame
    mask_thresh: float
    channels: Range | None
    ticks: Range

    @property
    def rows(self) -> Range:
        """Half-open range of channel ids, or of rows for stacked planes."""
        return self.channels or (0, self.probability.shape[0])

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """First and last tick, first and last channel, for ``imshow``; channels are centred."""
        first, last = self.ticks
        return float(first), float(last), self.rows[0] - 0.5, self.rows[1] - 0.5

    def save(self, path: Path) -> None:
        """Write a compressed file: charge in electrons/tick, probability in steps of 1/255."""
        charge = np.concatenate([self.layers, self.truth[None]])
        with atomic_write(path) as partial:
            np.savez_compressed(
                partial,
                charge=np.rint(np.clip(charge, -_MOST, _MOST)).astype(np.int16),
                names=np.array(self.names, dtype=np.str_),
                truth_mask=np.packbits(self.truth_mask),
                probability=np.rint(255 * self.probability).astype(np.uint8),
                mask=np.packbits(self.probability > self.mask_thresh),
                mask_thresh=np.float64(self.mask_thresh),
                channels=np.array(self.channels or (), dtype=np.int64),
                ticks=np.array(self.ticks, dtype=np.int64),
            )


def read_event_image(path: Path) -> EventImage:
    """Read a file of ``EventImage.save``.

    The rounded probability lies on the same side of the threshold as the exact one.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such file, or is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            content = {name: stored[name] for name in stored.files}
        charge = content["charge"].astype(np.float32)
        shape = charge.shape[1:]
        mask, truth_mask = (
            np.unpackbits(content[name], count=shape[0] * shape[1]).reshape(shape) > 0
            for name in ("mask", "truth_mask")
        )
        thresh = float(content["mask_thresh"])
        probability = content["probability"].astype(np.float32) / np.float32(255)
        above = np.nextafter(np.float32(thresh), np.float32(2))
        probability = np.where(
            mask, np.maximum(probability, above), np.minimum(probability, np.float32(thresh))
        )
        channels, ticks = (tuple(map(int, content[name])) for name in ("channels", "ticks"))
        return EventImage(
            layers=charge[:-1],
            names=[str(name) for name in content["names"]],
            truth=charge[-1],
            truth_mask=truth_mask,
            probability=probability.astype(np.float32),
            mask_thresh=thresh,
            channels=(channels[0], channels[1]) if channels else None,
            ticks=(ticks[0], ticks[1]),
        )
    except (KeyError, IndexError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: is no image of an event ({error!r})") from error


def is_mask(layer: Frame) -> bool:
    """Return whether a layer is a mask, such as ``mp2_roi``, of which a rebin leaves fractions."""
    return bool(layer.min(initial=0) >= 0) and len(np.unique(layer)) <= _FEW
