"""Leave out events that cannot be read (``data.on_error=skip``)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from roilab.data.dataset import RoiDataset
from roilab.data.fill import fill_cache
from roilab.data.image_index import ImageSource

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

    def share(self) -> bool:
        """Leave out the events that any process of the training leaves out.

        A disk may fail for one process only, and then the processes would train different numbers
        of batches and wait for each other without end.

        Returns:
            Whether any process left out other events than this one; the same in all of them.
        """
        if not torch.distributed.is_available() or not torch.distributed.is_initialized():
            return False
        lists: list[dict[str, str]] = [{}] * torch.distributed.get_world_size()
        torch.distributed.all_gather_object(lists, self.reasons)
        for reasons in lists:
            for name, text in reasons.items():
                self.add(name, text)
        return any(reasons.keys() != self.reasons.keys() for reasons in lists)

    def readable(self, data: RoiDataset, num_workers: int) -> list[ImageSource]:
        """Return the sources of all events whose images can be made; images go into the cache.

        An event is left out with all its planes. Images that are in the cache already are not
        made again, so a resumed training finds the same events, and soon.
        """
        absent, title = data.absent(), "Checking events"
        for index, text in fill_cache(data, absent, num_workers, title, keep_errors=True):
            self.add(data.sources[index].event_name, text)
        return self.remove(data.sources)

    def remove(self, sources: Sequence[ImageSource]) -> list[ImageSource]:
        """Return the sources of all events that are not left out."""
        names = self.reasons.keys()
        return [s for s in sources if s.event_name not in names and s.pair.name not in names]
