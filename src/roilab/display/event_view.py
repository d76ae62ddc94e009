"""One plane with the predictions of networks, and the panels that can be drawn of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle

import numpy as np

from roilab.display.predictions import ChargeCut, Prediction, TruthRois, cut_charge
from roilab.display.settings import DisplaySettings, part_of
from roilab.display.zoom import Zoom, zoom_to_signal
from roilab.evaluate.settings import PhysicsSettings
from roilab.inference import Plane
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
from roilab.plots.style import INSIDE, NETWORK_COLOURS, PREDICTED
from roilab.plots.view import Look, View
from roilab.types import Frame, Mask, Range

COMPUTED = ("truth", "probability", "mask", "dnn", "ideal")
_TRUE = "truth charge"


@dataclass(frozen=True)
class EventView:
    """Content of all pictures of one plane of one event.

    Attributes:
        event: frames of the plane.
        predictions: of the networks.
        truth_rois: ROIs that a network should find; ``None`` without truth.
        physics: definition of the charge metrics.
        settings: of the pictures.
        input_layers: tags that the first network receives, in its order.
    """

    event: Plane
    predictions: Sequence[Prediction]
    truth_rois: TruthRois | None
    physics: PhysicsSettings
    settings: DisplaySettings
    input_layers: Sequence[str] = ()

    @cached_property
    def tags(self) -> dict[str, Frame]:
        """Frames of the tags that the plane has."""
        missing = self.event.missing
        return {tag: frame for tag, frame in self.event.tags.items() if tag not in missing}

    @cached_property
    def limits(self) -> tuple[Range, Range]:
        """Ranges of channel ids and ticks of the settings; the plane where they give none."""
        every, settings = self.event.channels, self.settings
        channels = part_of(every, settings.channels, "channels", f"plane {self.event.name}")
        return channels, part_of(self.event.ticks, settings.ticks, "ticks", "the event")

    @cached_property
    def zoom(self) -> Zoom | None:
        """Region of the signal; ``None`` where all of ``limits`` is shown."""
        settings = self.settings
        if settings.zoom == "full" or (settings.channels and settings.ticks):
            return None
        return zoom_to_signal(self._signals(), self.limits, settings)

    def _signals(self) -> Iterator[tuple[str, Frame]]:
        """Yield what can be zoomed to: truth, ROIs of the networks, classical ROIs."""
        part, zero = self.part_of(*self.limits), np.float32(0)
        if self.event.truth is not None and self.truth_mask is not None:
            yield _TRUE, np.where(self.truth_mask[part], self.event.truth[part], zero)
        for prediction in self.predictions:
            mask = prediction.mask[part]
            if prediction.charge is not None:
                charge = np.where(mask, prediction.charge[part].clip(zero), zero)
                yield f"charge of {prediction.name}", charge
            yield f"pixels in ROIs of {prediction.name}", mask.astype(np.float32)
        gauss = self.tags.get(self.physics.gauss)
        if gauss is not None:
            yield f"charge of {self.physics.gauss}", gauss[part].clip(zero)

    @property
    def channels(self) -> Range:
        """Range of channel ids that are shown."""
        return self.zoom.channels if self.zoom else self.limits[0]

    @property
    def ticks(self) -> Range:
        """Range of ticks that are shown."""
        return self.zoom.ticks if self.zoom else self.limits[1]

    @property
    def title(self) -> str:
        """Title of pictures: file, event and plane, and the region of the signal."""
        return self.event.title + (f"\n{self.zoom.sentence}" if self.zoom else "")

    def axes(self, channels: Range, ticks: Range) -> View:
        """Return the axes of a part of the plane."""
        axis = self.event.axis
        in_us = self.settings.axis == "us"
        return View(channels, ticks, axis.tick_ns / 1e3, axis.start_ns / 1e3, in_us)

    def part_of(self, channels: Range, ticks: Range) -> tuple[slice, slice]:
        """Return the rows and columns of ranges of channel ids and ticks."""
        row, column = self.event.channels[0], self.event.ticks[0]
        rows = slice(channels[0] - row, channels[1] - row)
        return rows, slice(ticks[0] - column, ticks[1] - column)

    @cached_property
    def part(self) -> tuple[slice, slice]:
        """Rows and columns of the frames that are shown."""
        return self.part_of(self.channels, self.ticks)

    @cached_property
    def truth_mask(self) -> np.ndarray | None:
        """Ticks with a truth charge above ``physics.truth_threshold``, in the entire plane."""
        if self.event.truth is None:
            return None
        return np.asarray(self.event.truth > np.float32(self.physics.truth_threshold))

    @cached_property
    def look(self) -> Look:
        """Colours of charge: one range for all methods."""
        settings = self.settings
        linear = settings.linear_below if settings.scale == "symlog" else None
        limit = settings.charge_limit or self._limit()
        return Look(limit, linear, settings.rule, settings.pixels)

    def _limit(self) -> float:
        """Return the 98% quantile of the true charge; without any, that of the largest tag."""
        truth, mask = self.event.truth, self.truth_mask
        if truth is not None and mask is not None and mask[self.part].any():
            return float(np.quantile(truth[self.part][mask[self.part]], 0.98))
        tags = self.tags
        sizes = [
            float(np.quantile(np.abs(tags[tag][self.part][:, ::7]), 0.999))
            for tag in tags
            if tag not in (*self.settings.adc_tags, *self.settings.mask_tags)
        ]
        return max([size for size in sizes if size > 0], default=1.0)

    @cached_property
    def cuts(self) -> Mapping[str, ChargeCut]:
        """Result of the charge cut for every prediction; empty without a cut."""
        cut = self.settings.charge_cut
        if cut is None:
            return {}
        return {
            prediction.name: cut_charge(prediction.charge, cut, self.truth_mask)
            for prediction in self.predictions
            if prediction.charge is not None
        }

    @property
    def colours(self) -> dict[str, str]:
        """Line colour of every prediction, by name; colours repeat after the last."""
        names = [prediction.name for prediction in self.predictions]
        return dict(zip(names, cycle(NETWORK_COLOURS), strict=False))

    def outlines(self, padded: bool = False) -> list[Outline]:
        """Return contours of the truth, or of the truth mask of the network if ``padded``.

        Empty where a pixel of the figure holds many ticks: contours would hide thin tracks.
        """
        if not self._outlined:
            return []
        if padded and self.truth_rois is not None:
            shown = [Outline(self.truth_rois.label, self.truth_rois.mask[self.part])]
            if self.truth_rois.pad:
                label = f"padded by {self.truth_rois.pad} ticks"
                shown.append(Outline(label, self.truth_rois.padded[self.part], style="--"))
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
        """Return the panels of a name: one for a tag, one for every network or prediction."""
        if name in COMPUTED and name not in self.tags:
            return self._computed(name, outlines)
        if name not in self.tags:
            why = self.event.missing.get(name) or f"event {self.event.event} has no tag '{name}'"
            return [AbsentPanel(title=name, text=why)]
        if name in self.settings.mask_tags:
            return [_inside(name, self.tags[name][self.part] != 0, outlines)]
        if name in self.settings.adc_tags:
            height = above_median(self.tags[name])[self.part]
            limit = float(np.quantile(np.abs(height[:, ::7]), 0.995)) or 1.0
            return [AdcPanel(title=name, adc=height, limit=limit, outlines=outlines)]
        return [self._charge(name, self.tags[name], outlines)]

    def _charge(self, title: str, charge: Frame, outlines: Sequence[Outline]) -> Panel:
        return ChargePanel(title=title, charge=charge[self.part], outlines=outlines)

    def _computed(self, name: str, outlines: Sequence[Outline]) -> list[Panel]:
        if name == "truth" and self.event.truth is not None:
            return [self._charge("truth", self.event.truth, outlines)]
        if name == "truth":
            return [AbsentPanel(title=name, text=self.event.no_truth)]
        if name == "ideal":
            charge = None if self.truth_rois is None else self.truth_rois.charge
            title = "ideal: true ROIs through the node"
            return [self._result(title, charge, outlines, self.event.no_truth)]
        return self._predicted(name, outlines)

    def _predicted(self, name: str, outlines: Sequence[Outline]) -> list[Panel]:
        if not self.predictions:
            text = "no network was given (network=[FILE])"
            return [AbsentPanel(title=name, text=text)]
        if name == "probability":
            return [self._probability(prediction) for prediction in self._one_each()]
        if name == "mask":
            return [self._mask(prediction) for prediction in self.predictions]
        return [
            self._result(f"charge of {prediction.name}", prediction.charge, outlines)
            for prediction in self.predictions
        ]

    def _one_each(self) -> list[Prediction]:
        """Return one prediction of every network: all have the same probability."""
        return list({prediction.network: prediction for prediction in self.predictions}.values())

    def _result(
        self, title: str, charge: Frame | None, outlines: Sequence[Outline], why: str = ""
    ) -> Panel:
        if charge is None:
            tag = self.physics.decon_charge
            text = why or self.event.missing.get(tag) or f"tag '{tag}' was not read"
            return AbsentPanel(title=title, text=f"{text}, so there is no charge to keep")
        return self._charge(title, charge, outlines)

    def _probability(self, prediction: Prediction) -> Panel:
        shown = prediction.probability[self.part]
        outline = Outline(
            f"{prediction.network}: above {prediction.mask_thresh:g}",
            prediction.mask[self.part],
            PREDICTED,
        )
        title = f"ROI probability of {prediction.network}"
        outlines = [outline] if self._outlined else []
        return ProbabilityPanel(title=title, probability=shown, outlines=outlines)

    def _mask(self, prediction: Prediction) -> Panel:
        title = f"ROI mask of {prediction.name}"
        found = prediction.mask[self.part]
        mask = self.truth_mask
        if mask is None:
            return _inside(f"{title} (no truth)", found)
        return against_truth(f"{title}, pixels", mask[self.part], found)


def _inside(title: str, mask: Mask, outlines: Sequence[Outline] = ()) -> Panel:
    """Return a panel of the pixels inside a mask."""
    names = {"pixels inside": INSIDE}
    return ClassPanel(title=title, classes=mask.astype(np.uint8), names=names, outlines=outlines)


def above_median(adc: Frame) -> Frame:
    """Return raw counts above the median of their channel, shape (channel, tick)."""
    return adc - np.median(adc[:, ::5], axis=1, keepdims=True).astype(np.float32)
