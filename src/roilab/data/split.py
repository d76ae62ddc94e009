"""Split images by event: all planes of an event are on one side."""

from collections.abc import Sequence

import numpy as np

from roilab.data.image_index import ImageSource
from roilab.errors import RoilabError


class SplitError(RoilabError):
    """There are fewer than two events to split."""


def split_by_event(
    sources: Sequence[ImageSource], val_fraction: float, seed: int
) -> tuple[list[ImageSource], list[ImageSource]]:
    """Split images into training and validation.

    Events are sorted by file name and id, then shuffled with the seed: the split does not depend
    on the order of the files. round(val_fraction * n) of n events, at least one, are for
    validation.

    Raises:
        SplitError: there are fewer than two events.
    """
    events = sorted({source.event_key for source in sources})
    if len(events) < 2:
        raise SplitError(
            f"{len(events)} event cannot be split into training and validation; expected at least "
            "2. Give more files, or name data.val_files."
        )
    n_val = count_validation(len(events), val_fraction)
    order = np.random.default_rng(seed).permutation(len(events))
    chosen = {events[index] for index in order[:n_val]}
    train = [source for source in sources if source.event_key not in chosen]
    val = [source for source in sources if source.event_key in chosen]
    return train, val


def count_validation(events: int, val_fraction: float) -> int:
    """Return how many of the events are for validation; at least one is left for training."""
    return min(max(1, round(val_fraction * events)), events - 1)
