"""Read the tags of one anode in one event, all placed on one tick axis."""

from collections.abc import Collection
from dataclasses import dataclass

from roilab.frames.base import FrameFile
from roilab.frames.errors import MissingTagError
from roilab.frames.names import shown_tags
from roilab.frames.plane import TickAxis, read_plane
from roilab.frames.tag_info import TagInfo
from roilab.frames.window import Window
from roilab.types import Frame, Range


@dataclass(frozen=True)
class TruthTag:
    """Truth charge of one event."""

    frames: FrameFile
    event: int  # id in the truth file
    tag: str  # with APA number


class TagReader:
    """Read tags of one anode in one event on the tick axis of the reconstruction.

    The caller opens and closes the files. ``read`` and ``read_truth`` read one tag a call, so that
    no more full-resolution frames are held than needed.

    ``tags`` are without APA number; the first that the event holds gives the tick axis. A tag that
    has samples, but none in the anode and readout of ``window``, is an error; not where it is
    ``None``.

    Attributes:
        infos: channels and ticks of the tags that the event holds, by tag without APA number.
        axis: tick axis on which everything is placed.

    Raises:
        MissingTagError: the event holds none of the tags.
        TickAxisError: two tags have ticks of different length.
        FrameFileError: (its subclasses too) a tag is damaged.
    """

    def __init__(
        self,
        rec: FrameFile,
        event: int,
        apa: str,
        tags: Collection[str],
        truth: TruthTag | None = None,
        window: Window | None = None,
    ) -> None:
        self._rec, self._event, self._apa, self._truth = rec, event, apa, truth
        self._window = window
        present = rec.tags(event)
        self.infos: dict[str, TagInfo] = {
            name: rec.info(event, name + apa) for name in tags if name + apa in present
        }
        if not self.infos:
            raise MissingTagError(
                f"{rec.path}: event {event} has none of the tags "
                f"{', '.join(name + apa for name in tags)}; it has "
                f"{shown_tags(present)}. Name tags the file holds, or another APA."
            )
        self.axis = TickAxis.of(next(iter(self.infos.values())))
        for info in self.infos.values():
            self.axis.first_tick(info)

    def read(self, tag: str, channels: Range, ticks: Range) -> Frame:
        """Read one tag (without APA number) of the reconstruction, see ``read_plane``."""
        place = (channels, ticks, self.axis, self._window)
        return read_plane(self._rec, self._event, tag + self._apa, *place)

    def read_truth(self, channels: Range, ticks: Range) -> Frame:
        """Read the truth charge [electrons/tick], see ``read_plane``."""
        truth = self._truth
        if truth is None:
            raise MissingTagError(f"{self._rec.path}: event {self._event} has no truth charge.")
        reach = 0 if self._window is None else self._window.ticks[1] - self._window.ticks[0]
        place = (channels, ticks, self.axis, self._window, reach)
        return read_plane(truth.frames, truth.event, truth.tag, *place)
