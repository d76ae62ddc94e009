"""Splitting by event, so that all planes of an event fall on one side."""

from collections.abc import Sequence

import numpy as np

from roilab.data.image_index import ImageSource
from roilab.errors import RoilabError


class SplitError(RoilabError):
    """There are too few events to split."""


def split_by_event(
    sources: Sequence[ImageSource], val_fraction: float, seed: int
) -> tuple[list[ImageSource], list[ImageSource]]:
    """Training and validation images.

    Events are put in order of their file names and ids and then shuffled with the seed, so the
    order in which files were given plays no part. Of n events round(val_fraction * n), at least
    one, are for validation.

    Raises:
        SplitError: there are fewer than two events.
    """
    events = sorted({source.event_key for source in sources})
    if len(events) < 2:
        raise SplitError(
            f"{len(events)} event cannot be split into training and validation; expected at least "
            "2. Give more files, or name data.val_files."
        )
    n_val = min(max(1, round(val_fraction * len(events))), len(events) - 1)
    order = np.random.default_rng(seed).permutation(len(events))
    chosen = {events[index] for index in order[:n_val]}
    train = [source for source in sources if source.event_key not in chosen]
    val = [source for source in sources if source.event_key in chosen]
    return train, val
