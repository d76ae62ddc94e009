"""From frames to one prepared image: layers and truth charge, rebinned, in electrons."""

from collections.abc import Callable
from functools import partial

import numpy as np

from roilab.data.image_codec import round_layers
from roilab.data.image_index import ImageSource, ImageSpec
from roilab.data.images import rebin_mean
from roilab.frames import TagReader, TruthTag, open_frames
from roilab.types import Frame, Range

_Read = Callable[[Range, Range], Frame]  # of channels and ticks


def prepare_image(source: ImageSource, spec: ImageSpec) -> Frame:
    """Read, place, rebin and stack one image; round its layers to float16.

    Because of the rounding, images from the frames and stored ones are equal. Layers are read one
    after another, so at most one full-resolution frame is held at a time. Scale, threshold and
    padding do not change the result; they are applied to it later.

    Returns:
        Shape (n_layers + 1, channel, slice) in electrons per tick; the last is the truth charge.

    Raises:
        FrameFileError: (its subclasses too) the file is damaged, or lacks a tag.
    """
    pair, reader = source.pair, spec.reader
    with open_frames(pair.rec, reader) as rec, open_frames(pair.tru, reader) as tru:
        truth = TruthTag(tru, source.tru_event, source.truth_tag)
        event = (rec, source.rec_event, source.apa)
        tags = TagReader(*event, spec.layers, truth, source.window)
        reads: list[_Read] = [partial(tags.read, layer) for layer in spec.layers]
        planes = [_rebinned(read, source, spec) for read in [*reads, tags.read_truth]]
        return round_layers(np.stack(planes))


def _rebinned(read: _Read, source: ImageSource, spec: ImageSpec) -> Frame:
    """Read and rebin the channel ranges one by one, then join them along the channels."""
    planes = [
        rebin_mean(read(channels, spec.tick_range), spec.rebin, spec.channel_rebin)
        for channels in source.channel_ranges
    ]
    return np.concatenate(planes, dtype=np.float32)
