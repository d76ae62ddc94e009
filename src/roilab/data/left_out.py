"""Leave out events that cannot be read (``data.on_error=skip``)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

from roilab.data.cache import image_key
from roilab.data.dataset import RoiDataset
from roilab.data.image_index import ImageSource
from roilab.data.loader import ending_workers, start_worker
from roilab.frames import FrameFileError

log = logging.getLogger(__name__)


@dataclass
class LeftOut:
    """Events that were left out.

    Attributes:
        reasons: error message by file and event, or by file where none of it can be read.
    """

    reasons: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, error: Exception | str) -> None:
        """Leave out an event; its first error is kept."""
        if name not in self.reasons:
            self.reasons[name] = str(error)
            log.warning("%s is left out: %s", name, error)

    def readable(self, data: RoiDataset, num_workers: int) -> list[ImageSource]:
        """Return the sources of all events whose images can be made; images go into the cache.

        An event is left out with all its planes. Images that are in the cache already are not
        made again, so a resumed training finds the same events, and soon.
        """
        sources, cache = data.sources, data.cache
        unknown: Sequence[int] = [
            index
            for index, source in enumerate(sources)
            if cache is None or image_key(source, data.spec) not in cache
        ]
        # With its own generator it does not change the random numbers of the training.
        loader = DataLoader(
            _Errors(data),
            batch_size=None,
            sampler=unknown,
            num_workers=num_workers,
            worker_init_fn=start_worker,
            generator=torch.Generator(),
        )
        checks = track(loader, "Checking events", total=len(unknown), disable=not unknown)
        with ending_workers():
            for index, text in zip(unknown, checks, strict=True):
                if text:
                    self.add(sources[index].event_name, text)
        return [source for source in sources if source.event_name not in self.reasons]


class _Errors(Dataset[str]):
    """Error messages of images; an empty text for an image that can be made."""

    def __init__(self, data: RoiDataset) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> str:
        try:
            self.data.prepared(index)
        except FrameFileError as error:
            return str(error)
        return ""
