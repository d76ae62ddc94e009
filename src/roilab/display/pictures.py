"""Pictures of one event: their panels in order."""

import logging
from collections.abc import Callable
from itertools import combinations

import numpy as np
from matplotlib.figure import Figure

from roilab.display.event_view import EventView
from roilab.display.predictions import Prediction
from roilab.display.settings import DisplayError
from roilab.display.waveforms import chosen_channel, waveforms
from roilab.metrics import charge_windows
from roilab.plots.display import comparison_figure, display_figure
from roilab.plots.panels import AbsentPanel, ChargePanel, ClassPanel, Panel, against_truth
from roilab.plots.style import CLASSICAL, COLOURS, PREDICTED, TRUTH
from roilab.types import Frame

log = logging.getLogger(__name__)


def pictures(view: EventView) -> dict[str, Callable[[], Figure]]:
    """Return the functions that draw the pictures: those of the settings, or all possible ones.

    Raises:
        DisplayError: the settings name a comparison, and there is nothing to compare.
    """
    drawn: dict[str, Callable[[], Figure]] = {
        "display": lambda: event_display(view),
        "waveforms": lambda: waveforms(view),
        "evolution": lambda: evolution(view),
        "comparison": lambda: comparison(view),
    }
    asked = view.settings.pictures
    if len(view.predictions) >= 2:
        return {name: drawn[name] for name in asked or drawn}
    if asked and "comparison" in asked:
        raise DisplayError(
            f"comparison: {len(view.predictions)} to compare; give two networks "
            "(network=[FILE,FILE]) or two thresholds (mask_thresh=[0.2,0.5])."
        )
    return {name: drawn[name] for name in asked or drawn if name != "comparison"}


def event_display(view: EventView) -> Figure:
    """Draw tags, truth, probability, masks and charge side by side."""
    names = view.settings.panels
    if names is None:
        names = [*_ordered(view), "truth"]
        names += ["probability", "mask", "dnn"] if view.predictions else []
    outlines = view.outlines()
    panels = [panel for name in names for panel in view.panels(name, outlines)]
    axes = view.axes(view.channels, view.ticks)
    return display_figure(panels, axes, view.look, view.settings.columns, view.title)


def _ordered(view: EventView) -> list[str]:
    """Return the tags of the plane, those of the chain first."""
    tags = view.tags
    first = [tag for tag in view.settings.chain if tag in tags]
    return [*first, *(tag for tag in tags if tag not in first)]


def evolution(view: EventView) -> Figure:
    """Draw every step from raw signal to charge, with the true ROIs."""
    outlines = view.outlines(padded=True)
    last = ["probability", "mask", "dnn"] if view.predictions else ["gauss", "ideal"]
    names = [*view.settings.chain, "truth", *last]
    panels = [panel for name in names for panel in view.panels(name, outlines)]
    panels += [_cut_panel(view, name) for name in view.cuts]
    axes = view.axes(view.channels, view.ticks)
    title = f"from raw signal to charge: {view.title}"
    for name, cut in view.cuts.items():
        title += f"\n{name}: a cut at {view.settings.charge_cut:g} e/tick {cut.sentence}"
    marked = chosen_channel(view)
    title += f"\ndotted: channel {marked}"
    return display_figure(panels, axes, view.look, view.settings.columns, title, marked)


def _cut_panel(view: EventView, name: str) -> Panel:
    title = f"charge of {name} above {view.settings.charge_cut:g} e/tick"
    charge = view.cuts[name].charge[view.part]
    return ChargePanel(title=title, charge=charge, outlines=view.outlines(padded=True))


def comparison(view: EventView) -> Figure:
    """Draw where networks or thresholds differ from truth and from each other."""
    axes = view.axes(view.channels, view.ticks)
    panels = [_against_truth(view, prediction) for prediction in view.predictions]
    panels += [_against_each_other(view, a, b) for a, b in combinations(view.predictions, 2)]
    truth, losses = _losses(view)
    colours = {**view.colours, view.physics.gauss: CLASSICAL}
    title = f"comparison: {view.title}"
    columns = view.settings.columns
    return comparison_figure(panels, truth, losses, colours, axes, view.look, columns, title)


def _against_truth(view: EventView, prediction: Prediction) -> Panel:
    title = f"{prediction.name} against truth, pixels"
    if view.truth_mask is None:
        return AbsentPanel(title=title, text=view.event.no_truth)
    return against_truth(title, view.truth_mask[view.part], prediction.mask[view.part])


def _against_each_other(view: EventView, one: Prediction, other: Prediction) -> Panel:
    """Draw pixels that only one of two predictions has, on true charge and off it."""
    a, b = one.mask[view.part], other.mask[view.part]
    title = f"{one.name} against {other.name}, pixels"
    if view.truth_mask is None:
        names = {f"only {one.name}": TRUTH, f"only {other.name}": PREDICTED}
        classes = (a & ~b) * 1 + (b & ~a) * 2
        return ClassPanel(title=title, classes=classes.astype(np.uint8), names=names)
    true = view.truth_mask[view.part]
    kinds = [(a & ~b & true), (a & ~b & ~true), (b & ~a & true), (b & ~a & ~true)]
    classes = sum(((n + 1) * kind for n, kind in enumerate(kinds)), np.zeros(a.shape, np.int64))
    named = [f"only {f.name}, {what}" for f in (one, other) for what in ("true", "extra")]
    names = dict(zip(named, (TRUTH, COLOURS[5], PREDICTED, COLOURS[4]), strict=True))
    return ClassPanel(title=title, classes=classes.astype(np.uint8), names=names)


def _losses(view: EventView) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
    """Return the truth charge of every shown channel, and the loss of each method [electrons]."""
    if view.event.truth is None:
        return None, {}
    windows = charge_windows(view.event.truth, view.physics.window, view.physics.margin)
    rows = view.part[0]
    truth = windows.charge(view.event.truth)[rows]
    results: dict[str, Frame | None] = {f.name: f.charge for f in view.predictions}
    results[view.physics.gauss] = view.tags.get(view.physics.gauss)
    lost = {
        name: truth - windows.charge(charge)[rows]
        for name, charge in results.items()
        if charge is not None
    }
    return truth, lost
