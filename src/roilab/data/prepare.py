"""From frames to one prepared image: layers and truth charge, rebinned, in electrons."""

import numpy as np
from numpy.typing import NDArray

from roilab.data.image_index import ImageRecipe, ImageSource
from roilab.data.images import rebin_mean
from roilab.frames import FrameFile, TickAxis, open_frames, read_plane


def prepare_image(source: ImageSource, recipe: ImageRecipe) -> NDArray[np.float32]:
    """Read, place, stack and rebin one image.

    Layers are taken one after another, so at most one full-resolution image is held at a time.
    Scale, threshold and padding come later: what they are asked to be does not change this.

    Returns:
        Shape (n_layers + 1, channel, slice) in electrons per tick; the last is the truth charge.

    Raises:
        FrameFileError: (its subclasses too) the file's own fault, told with file, event and tag.
    """
    with open_frames(source.pair.rec) as rec, open_frames(source.pair.tru) as tru:
        rec_tags = [layer + source.apa for layer in recipe.layers]
        axis = TickAxis.of(rec.info(source.rec_event, rec_tags[0]))
        wanted = [(rec, source.rec_event, tag) for tag in rec_tags]
        wanted.append((tru, source.tru_event, source.truth_tag))
        return np.stack([_rebinned(*where, source, recipe, axis) for where in wanted])


def _rebinned(
    frames: FrameFile,
    event: int,
    tag: str,
    source: ImageSource,
    recipe: ImageRecipe,
    axis: TickAxis,
) -> NDArray[np.float32]:
    planes = [
        rebin_mean(
            read_plane(frames, event, tag, channels, recipe.tick_range, axis),
            recipe.rebin,
            recipe.channel_rebin,
        )
        for channels in source.channel_ranges
    ]
    return np.concatenate(planes, dtype=np.float32)
