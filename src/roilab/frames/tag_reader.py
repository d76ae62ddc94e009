"""Read the tags of one anode in one event, all placed on one tick axis."""

from collections.abc import Iterable
from dataclasses import dataclass

from roilab.frames.base import FrameFile, TagInfo
from roilab.frames.errors import MissingTagError
from roilab.frames.plane import TickAxis, read_plane
from roilab.types import Frame, Range


@dataclass(frozen=True)
class TruthTag:
    """Truth charge of one event.

    Attributes:
        frames: open truth file.
        event: event id in the truth file.
        tag: full tag, with the APA number.
    """

    frames: FrameFile
    event: int
    tag: str


class TagReader:
    """Read tags of one anode in one event on the tick axis of the reconstruction.

    The caller opens and closes the files. ``read`` and ``read_truth`` read one tag a call, so that
    no more full-resolution frames are held than needed.

    Args:
        rec: open reconstruction file.
        event: event id in the reconstruction file.
        apa: APA number, as the tags end.
        tags: tags without APA number; the first that the event holds gives the tick axis.
        truth: truth charge of the event; ``None`` where there is none.

    Attributes:
        infos: channels and ticks of the tags that the event holds, by tag without APA number.
        axis: tick axis on which everything is placed.

    Raises:
        MissingTagError: the event holds none of the tags.
        FrameFileError: (its subclasses too) a tag is damaged.
    """

    def __init__(
        self,
        rec: FrameFile,
        event: int,
        apa: str,
        tags: Iterable[str],
        truth: TruthTag | None = None,
    ) -> None:
        self._rec, self._event, self._apa, self._truth = rec, event, apa, truth
        names = tuple(tags)
        present = rec.tags(event)
        self.infos: dict[str, TagInfo] = {
            name: rec.info(event, name + apa) for name in names if name + apa in present
        }
        if not self.infos:
            raise MissingTagError(
                f"{rec.path}: event {event} has none of the tags "
                f"{', '.join(name + apa for name in names)}; it has "
                f"{', '.join(present) or 'none'}. Name tags the file holds, or another APA."
            )
        self.axis = TickAxis.of(next(iter(self.infos.values())))

    def read(self, tag: str, channels: Range, ticks: Range) -> Frame:
        """Read one tag of the reconstruction, see ``read_plane``.

        Args:
            tag: without APA number.
            channels: half-open range of global channel ids.
            ticks: half-open range of ticks on ``axis``.
        """
        return read_plane(self._rec, self._event, tag + self._apa, channels, ticks, self.axis)

    def read_truth(self, channels: Range, ticks: Range) -> Frame:
        """Read the truth charge [electrons/tick], see ``read_plane``."""
        if self._truth is None:
            raise MissingTagError(f"{self._rec.path}: event {self._event} has no truth charge.")
        truth = self._truth
        return read_plane(truth.frames, truth.event, truth.tag, channels, ticks, self.axis)
