"""Leave out events that cannot be read (``data.on_error=skip``)."""

import logging
from dataclasses import dataclass, field

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

    def readable(self, data: RoiDataset, num_workers: int) -> list[ImageSource]:
        """Return the sources of all events whose images can be made; images go into the cache.

        An event is left out with all its planes. Images that are in the cache already are not
        made again, so a resumed training finds the same events, and soon.
        """
        absent, title = data.absent(), "Checking events"
        for index, text in fill_cache(data, absent, num_workers, title, keep_errors=True):
            self.add(data.sources[index].event_name, text)
        return [source for source in data.sources if source.event_name not in self.reasons]
