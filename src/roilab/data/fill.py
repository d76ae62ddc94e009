"""Fill the cache with prepared images, in several processes."""

from collections.abc import Sequence

import torch
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

from roilab.data.dataset import RoiDataset
from roilab.data.loader import ending_workers, start_worker
from roilab.frames import FrameFileError

# What a process returns for an image: nothing to say, or an image that another job makes.
_DONE, _BUSY = "", "busy"


def fill_cache(
    data: RoiDataset,
    indices: Sequence[int],
    num_workers: int,
    title: str,
    keep_errors: bool = False,
) -> list[tuple[int, str]]:
    """Make images that are not in the cache, check those that are, with a progress bar.

    Images that another job makes at the same time are waited for at the end. Images stay in the
    process that makes them.

    Args:
        data: with a cache; without one every image is made, and none is stored.
        indices: of the images.
        num_workers: processes; 0 for this one.
        title: of the progress bar.
        keep_errors: whether images that cannot be made are returned, not raised.

    Returns:
        Index and error message of the images that cannot be made, ascending.

    Raises:
        FrameFileError: (its subclasses too) an image cannot be made.
        CacheError: the cache cannot be written.
    """
    # With its own generator it does not change the random numbers of the training.
    loader = DataLoader(
        _Results(data, keep_errors),
        batch_size=None,
        sampler=indices,
        num_workers=num_workers,
        worker_init_fn=start_worker,
        generator=torch.Generator(),
    )
    results = track(loader, title, total=len(indices), disable=not indices)
    with ending_workers():
        outcome = dict(zip(indices, results, strict=True))
    waiting = _Results(data, keep_errors, wait=True)
    outcome |= {index: waiting[index] for index, text in outcome.items() if text == _BUSY}
    return [(index, text) for index, text in outcome.items() if text != _DONE]


class _Results(Dataset[str]):
    """Make images; an item is an error message, ``_DONE`` or ``_BUSY``."""

    def __init__(self, data: RoiDataset, keep_errors: bool, wait: bool = False) -> None:
        self.data, self.keep_errors, self.wait = data, keep_errors, wait

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> str:
        try:
            if self.wait:
                self.data.prepared(index)
                return _DONE
            return _DONE if self.data.fill(index) else _BUSY
        except FrameFileError as error:
            if not self.keep_errors:
                raise
            return str(error)
