"""From frames to one prepared image: layers and truth charge, rebinned, in electrons."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from roilab.data.image_index import ImageRecipe, ImageSource
from roilab.data.images import rebin_mean
from roilab.frames import TagReader, TruthTag, open_frames
from roilab.types import Frame, Range


@contextmanager
def open_tags(source: ImageSource, tags: Iterable[str]) -> Iterator[TagReader]:
    """Open both files of an image, for reading these tags and the truth charge.

    Args:
        source: the image.
        tags: without APA number; the first that the event holds gives the tick axis.

    Raises:
        FrameFileError: (its subclasses too) a file is damaged or holds none of the tags.
    """
    with open_frames(source.pair.rec) as rec, open_frames(source.pair.tru) as tru:
        truth = TruthTag(tru, source.tru_event, source.truth_tag)
        yield TagReader(rec, source.rec_event, source.apa, tags, truth)


def prepare_image(source: ImageSource, recipe: ImageRecipe) -> Frame:
    """Read, place, rebin and stack one image.

    Layers are read one after another, so at most one full-resolution frame is held at a time.
    Scale, threshold and padding do not change the result; they are applied to it later.

    Returns:
        Shape (n_layers + 1, channel, slice) in electrons per tick; the last is the truth charge.

    Raises:
        FrameFileError: (its subclasses too) the file is damaged, or lacks a tag.
    """
    with open_tags(source, recipe.layers) as tags:
        reads: list[Callable[[Range, Range], Frame]]
        reads = [*(partial(tags.read, layer) for layer in recipe.layers), tags.read_truth]
        return np.stack([_rebinned(read, source, recipe) for read in reads])


def _rebinned(
    read: Callable[[Range, Range], Frame], source: ImageSource, recipe: ImageRecipe
) -> Frame:
    """Read and rebin the channel ranges one by one, then join them along the channels."""
    planes = [
        rebin_mean(read(channels, recipe.tick_range), recipe.rebin, recipe.channel_rebin)
        for channels in source.channel_ranges
    ]
    return np.concatenate(planes, dtype=np.float32)
