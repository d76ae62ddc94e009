"""Which part of the frames is kept: tags, anodes, planes, ticks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from roilab.convert.errors import ConvertError
from roilab.detectors import Readout
from roilab.detectors.locate import find_anode
from roilab.frames import FrameFile, TagInfo, TickAxis, apa_of
from roilab.frames.base import Rows
from roilab.types import Range


@dataclass(frozen=True)
class Choice:
    """Part of the frames that is kept; ``None`` for all.

    Attributes:
        tags: with or without the number of the anode.
        apas: numbers of anodes, as tags end.
        planes: names.
        readout: where the planes lie; needed for ``planes``.
        ticks: half-open, counted from ``tick0_ns``.
        tick0_ns: time of tick 0 [ns]; ``None`` for the start time of each tag.
    """

    tags: tuple[str, ...] | None
    apas: tuple[str, ...] | None
    planes: tuple[str, ...] | None
    readout: Readout | None
    ticks: Range | None
    tick0_ns: float | None

    @classmethod
    def from_config(cls, plain: Mapping[str, Any]) -> "Choice":
        """Return the choice of a configuration composed from ``conf/convert.yaml``.

        Raises:
            ConvertError: planes are named without a detector.
        """
        tags, apas, planes, ticks = (plain[key] for key in ("tags", "apas", "planes", "tick_range"))
        if planes is not None and plain.get("detector") is None:
            raise ConvertError(
                f"planes={planes}: the channels of a plane depend on the detector; choose one, "
                "such as detector=pdhd."
            )
        return cls(
            None if tags is None else tuple(tags),
            None if apas is None else tuple(str(apa) for apa in apas),
            None if planes is None else tuple(planes),
            None if planes is None else Readout.from_config({**plain, "tick_range": None}),
            None if ticks is None else (ticks[0], ticks[1]),
            plain["tick0_ns"],
        )

    def keeps(self, tag: str) -> bool:
        """Return whether a tag is kept."""
        apa = apa_of(tag)
        named = self.tags is None or tag in self.tags or tag.removesuffix(apa) in self.tags
        return named and (self.apas is None or apa in self.apas)

    def rows(self, frames: FrameFile, event: int, info: TagInfo, tag: str) -> Rows:
        """Return the rows of the chosen planes, ascending."""
        if self.planes is None or self.readout is None:
            return slice(None)
        where = f"{frames.path}: event {event}"
        anode = find_anode(self.readout, info.channels, apa_of(tag), where)
        chosen = np.zeros(len(info.channels), dtype=bool)
        for plane in self.planes:
            low, high = anode.planes[plane]
            chosen |= (info.channels >= low) & (info.channels < high)
        return np.flatnonzero(chosen)

    def columns(self, info: TagInfo) -> Range:
        """Return the columns of the chosen ticks, half-open; an empty range where there is none."""
        if self.ticks is None:
            return 0, info.n_columns
        start_ns = info.start_ns if self.tick0_ns is None else self.tick0_ns
        first = TickAxis(start_ns, info.tick_ns).first_tick(info)
        begin = min(max(self.ticks[0] - first, 0), info.n_columns)
        return begin, max(begin, min(self.ticks[1] - first, info.n_columns))
