"""One event with what networks find in it, and the panels that can be drawn of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle

import numpy as np

from roilab.display.event import Frame, PlaneEvent
from roilab.display.predictions import ChargeCut, Finding, TrueRois, cut_charge
from roilab.display.settings import DisplaySettings, Range, part_of
from roilab.evaluate.settings import PhysicsSettings
from roilab.plots.panels import (
    AbsentPanel,
    AdcPanel,
    ChargePanel,
    ClassPanel,
    Outline,
    Panel,
    ProbabilityPanel,
    against_truth,
)
from roilab.plots.style import NETWORK_COLOURS, PREDICTED
from roilab.plots.view import Look, View

COMPUTED = ("truth", "probability", "mask", "dnn", "ideal")
_TRUE = "truth charge"


@dataclass(frozen=True)
class Scene:
    """Everything that a picture of one plane of one event can be made of.

    Attributes:
        event: its frames.
        findings: of the networks.
        true: what a network should find; ``None`` without truth.
        physics: how charge is judged.
        settings: what is drawn and how.
    """

    event: PlaneEvent
    findings: Sequence[Finding]
    true: TrueRois | None
    physics: PhysicsSettings
    settings: DisplaySettings

    @cached_property
    def channels(self) -> Range:
        """Ids of the channels that are shown."""
        whole = self.event.channels
        return part_of(whole, self.settings.channels, "channels", f"plane {self.event.plane}")

    @cached_property
    def ticks(self) -> Range:
        """Ticks that are shown."""
        return part_of(self.event.ticks, self.settings.ticks, "ticks", "the event")

    def view(self, channels: Range, ticks: Range) -> View:
        """Axes of a part of the plane."""
        axis = self.event.axis
        in_us = self.settings.axis == "us"
        return View(channels, ticks, axis.tick_ns / 1e3, axis.start_ns / 1e3, in_us)

    @cached_property
    def part(self) -> tuple[slice, slice]:
        """Rows and columns of the frames that are shown."""
        row, column = self.event.channels[0], self.event.ticks[0]
        rows = slice(self.channels[0] - row, self.channels[1] - row)
        return rows, slice(self.ticks[0] - column, self.ticks[1] - column)

    @cached_property
    def truth_mask(self) -> np.ndarray | None:
        """Ticks with a truth charge above ``physics.truth_threshold``, of the whole plane."""
        if self.event.truth is None:
            return None
        return np.asarray(self.event.truth > np.float32(self.physics.truth_threshold))

    @cached_property
    def look(self) -> Look:
        """How charge is drawn: one range for all methods."""
        settings = self.settings
        linear = settings.linear_below if settings.scale == "symlog" else None
        limit = settings.charge_limit or self._limit()
        return Look(limit, linear, settings.rule, settings.pixels)

    def _limit(self) -> float:
        """Almost all of the true charge; without any, almost all of the largest tag."""
        truth, mask = self.event.truth, self.truth_mask
        if truth is not None and mask is not None and mask[self.part].any():
            return float(np.quantile(truth[self.part][mask[self.part]], 0.98))
        tags = self.event.tags
        sizes = [
            float(np.quantile(np.abs(tags[tag][self.part][:, ::7]), 0.999))
            for tag in tags
            if tag not in (*self.settings.adc_tags, *self.settings.mask_tags)
        ]
        return max([size for size in sizes if size > 0], default=1.0)

    @cached_property
    def cuts(self) -> Mapping[str, ChargeCut]:
        """What the charge cut takes from the result of every finding; empty without a cut."""
        cut = self.settings.charge_cut
        if cut is None:
            return {}
        return {
            finding.name: cut_charge(finding.charge, cut, self.truth_mask)
            for finding in self.findings
            if finding.charge is not None
        }

    @property
    def colours(self) -> dict[str, str]:
        """Of lines of every finding, by name; after the last colour the first comes again."""
        names = [finding.name for finding in self.findings]
        return dict(zip(names, cycle(NETWORK_COLOURS), strict=False))

    def outlines(self, padded: bool = False) -> list[Outline]:
        """Contours of the truth; with the mask that a network learns from where asked.

        None where a pixel of the figure holds many ticks: contours would hide thin tracks.
        """
        if not self._outlined:
            return []
        if padded and self.true is not None:
            shown = [Outline(self.true.what, self.true.mask[self.part])]
            if self.true.pad:
                label = f"padded by {self.true.pad} ticks"
                shown.append(Outline(label, self.true.padded[self.part], style="--"))
            return shown
        mask = self.truth_mask
        if mask is None:
            return []
        return [Outline(f"{_TRUE} > {self.physics.truth_threshold:g} e/tick", mask[self.part])]

    @cached_property
    def _outlined(self) -> bool:
        ticks = self.ticks[1] - self.ticks[0]
        return ticks <= self.settings.outline_ticks * self.settings.pixels[1]

    def panels(self, name: str, outlines: Sequence[Outline]) -> list[Panel]:
        """The panels of a name: one for a tag, one for every network or finding."""
        if name in COMPUTED and name not in self.event.tags:
            return self._computed(name, outlines)
        if name not in self.event.tags:
            why = self.event.absent.get(name) or f"event {self.event.event} has no tag '{name}'"
            return [AbsentPanel(title=name, text=why)]
        if name in self.settings.mask_tags:
            inside = (self.event.tags[name][self.part] != 0).astype(np.uint8)
            names = {"pixels inside": "0.25"}
            return [ClassPanel(title=name, classes=inside, names=names, outlines=outlines)]
        if name in self.settings.adc_tags:
            height = above_median(self.event.tags[name])[self.part]
            limit = float(np.quantile(np.abs(height[:, ::7]), 0.995)) or 1.0
            return [AdcPanel(title=name, adc=height, limit=limit, outlines=outlines)]
        return [self._charge(name, self.event.tags[name], outlines)]

    def _charge(self, title: str, charge: Frame, outlines: Sequence[Outline]) -> Panel:
        return ChargePanel(title=title, charge=charge[self.part], outlines=outlines)

    def _computed(self, name: str, outlines: Sequence[Outline]) -> list[Panel]:
        if name == "truth" and self.event.truth is not None:
            return [self._charge("truth", self.event.truth, outlines)]
        if name == "truth":
            return [AbsentPanel(title=name, text=self.event.no_truth)]
        if name == "ideal":
            charge = None if self.true is None else self.true.charge
            title = "ideal: true ROIs through the node"
            return [self._result(title, charge, outlines, self.event.no_truth)]
        return self._found(name, outlines)

    def _found(self, name: str, outlines: Sequence[Outline]) -> list[Panel]:
        if not self.findings:
            text = "no network was given (networks=[FILE])"
            return [AbsentPanel(title=name, text=text)]
        if name == "probability":
            return [self._probability(finding) for finding in self._one_each()]
        if name == "mask":
            return [self._mask(finding) for finding in self.findings]
        return [
            self._result(f"charge of {finding.name}", finding.charge, outlines)
            for finding in self.findings
        ]

    def _one_each(self) -> list[Finding]:
        """One finding of every network: all have its probability."""
        return list({finding.network: finding for finding in self.findings}.values())

    def _result(
        self, title: str, charge: Frame | None, outlines: Sequence[Outline], why: str = ""
    ) -> Panel:
        if charge is None:
            tag = self.physics.decon_charge
            text = why or self.event.absent.get(tag) or f"tag '{tag}' was not read"
            return AbsentPanel(title=title, text=f"{text}, so there is no charge to keep")
        return self._charge(title, charge, outlines)

    def _probability(self, finding: Finding) -> Panel:
        shown = finding.probability[self.part]
        outline = Outline(
            f"{finding.network}: above {finding.mask_thresh:g}",
            finding.roi_mask[self.part],
            PREDICTED,
        )
        title = f"ROI probability of {finding.network}"
        outlines = [outline] if self._outlined else []
        return ProbabilityPanel(title=title, probability=shown, outlines=outlines)

    def _mask(self, finding: Finding) -> Panel:
        title = f"ROI mask of {finding.name}"
        found = finding.roi_mask[self.part]
        mask = self.truth_mask
        if mask is None:
            return against_truth(f"{title} (no truth)", found, found)
        return against_truth(f"{title}, pixels", mask[self.part], found)


def above_median(adc: Frame) -> Frame:
    """Raw counts above the median of their channel, shape (channel, tick)."""
    return adc - np.median(adc[:, ::5], axis=1, keepdims=True).astype(np.float32)
