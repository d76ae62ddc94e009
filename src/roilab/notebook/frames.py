"""Frames of a file; nothing here imports torch, so that a file is opened at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from roilab.detectors import Readout
from roilab.frames import truth_beside
from roilab.notebook.compose import data_defaults, group_files
from roilab.notebook.errors import ApiError
from roilab.object_table import object_html, object_text
from roilab.planes import Plane, PlaneReader

_SHOWN = 8  # events that a table of a file lists


class Frames(PlaneReader):
    """Frames of a reconstruction file and, where given, its truth file."""

    @property
    def events(self) -> tuple[int, ...]:
        """Event ids."""
        return self.rec.events

    def plane(self, plane: str, event: int | None = None, apa: int | None = None) -> Plane:
        """Read all tags and the truth of one plane.

        Args:
            plane: ``U``, ``V`` or ``W``.
            event: id; ``None`` for the first.
            apa: number of the anode; ``None`` for the first.

        Returns:
            Frames (channel, tick) [electrons/tick], by tag without APA number in ``tags``, and in
            ``truth``; ranges in ``channels`` (ids) and ``ticks``.

        Raises:
            RoilabError: (its subclasses) there is no such event or plane, or a file is damaged.
        """
        number = self.events[0] if event is None and self.events else event
        if number not in self.events:
            raise ApiError(f"{self.rec.path}: no event {number}; it has {list(self.events)[:8]}.")
        return self.read(number, None if apa is None else str(apa), plane)

    def __repr__(self) -> str:
        return object_text(self, self._facts())

    def _repr_html_(self) -> str:
        return object_html(self, self._facts())

    def _facts(self) -> dict[str, object]:
        events = self.events
        shown = [str(event) for event in events[:_SHOWN]] + ["..."] * (len(events) > _SHOWN)
        tags = self.rec.tags(events[0]) if events else ()
        return {
            "file": self.rec.path,
            "truth": "none" if self.tru is None else self.tru.path,
            "events": f"{len(events)} ({' '.join(shown)})",
            "tags": " ".join(tags),
            "planes": " ".join(self.readout.ranges),
        }


def open(
    path: str | Path,
    detector: str | Mapping[str, Any],
    truth: str | Path | Literal[False] | None = None,
) -> Frames:
    """Open a frame file, such as ``g4-rec-0.h5``.

    It is closed by ``close()``, at the end of a ``with`` block, or when it is no longer used.

    Args:
        path: reconstruction file, see ``docs/data.md``.
        detector: name of a file in ``conf/detector``, such as ``pdhd``; or a mapping with
            ``channels`` of ``u``, ``v`` and ``w`` and ``nticks``.
        truth: truth file of the same events; ``None`` for the one beside it (``g4-tru-0.h5`` for
            ``g4-rec-0.h5``), where there is one; ``False`` for no truth.

    Raises:
        RoilabError: (its subclasses) a file cannot be read, or there is no such detector.
    """
    known = group_files("detector")
    if isinstance(detector, str) and detector not in known:
        raise ApiError(f"detector='{detector}'; expected one of {', '.join(known)}, or a mapping.")
    data = data_defaults(detector if isinstance(detector, str) else known[0])
    if not isinstance(detector, str):
        data["detector"] = detector
    rec, tru = Path(path), None
    if truth is None:
        tru = truth_beside(rec)
    elif truth is not False:
        tru = Path(truth)
    return Frames(rec, tru, Readout.from_config(data))
