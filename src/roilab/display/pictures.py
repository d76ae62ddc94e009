"""The pictures of one event: which panels, in which order."""

import logging
from collections.abc import Callable
from itertools import combinations

import numpy as np
from matplotlib.figure import Figure

from roilab.display.event import Frame
from roilab.display.event_view import Scene
from roilab.display.predictions import Finding
from roilab.display.settings import DisplayError
from roilab.display.waveforms import chosen_channel, waveforms
from roilab.metrics import charge_windows
from roilab.plots.comparison import comparison_figure
from roilab.plots.display import display_figure
from roilab.plots.panels import AbsentPanel, ChargePanel, ClassPanel, Panel, against_truth
from roilab.plots.style import CLASSICAL, COLOURS, PREDICTED, TRUTH

log = logging.getLogger(__name__)


def pictures(scene: Scene) -> dict[str, Callable[[], Figure]]:
    """What draws each picture that was asked for, or each that can be drawn.

    Raises:
        DisplayError: a comparison was asked for and there is nothing to compare.
    """
    drawn: dict[str, Callable[[], Figure]] = {
        "display": lambda: event_display(scene),
        "waveforms": lambda: waveforms(scene),
        "evolution": lambda: evolution(scene),
        "comparison": lambda: comparison(scene),
    }
    asked = scene.settings.pictures
    if len(scene.findings) >= 2:
        return {name: drawn[name] for name in asked or drawn}
    if asked and "comparison" in asked:
        raise DisplayError(
            f"comparison: {len(scene.findings)} to compare; give two networks "
            "(networks=[FILE,FILE]) or two thresholds (mask_thresh=[0.2,0.5])."
        )
    return {name: drawn[name] for name in asked or drawn if name != "comparison"}


def event_display(scene: Scene) -> Figure:
    """Tags, truth, probability, masks and charge side by side."""
    names = scene.settings.panels
    if names is None:
        names = [*_ordered(scene), "truth"]
        names += ["probability", "mask", "dnn"] if scene.findings else []
    outlines = scene.outlines()
    panels = [panel for name in names for panel in scene.panels(name, outlines)]
    view = scene.view(scene.channels, scene.ticks)
    return display_figure(panels, view, scene.look, scene.settings.columns, scene.event.title)


def _ordered(scene: Scene) -> list[str]:
    """Tags of the event: first those of the chain, in its order."""
    tags = scene.event.tags
    first = [tag for tag in scene.settings.chain if tag in tags]
    return [*first, *(tag for tag in tags if tag not in first)]


def evolution(scene: Scene) -> Figure:
    """From raw signal to charge in two dimensions, true ROIs drawn on every step."""
    outlines = scene.outlines(padded=True)
    last = ["probability", "mask", "dnn"] if scene.findings else ["gauss", "ideal"]
    names = [*scene.settings.chain, "truth", *last]
    panels = [panel for name in names for panel in scene.panels(name, outlines)]
    panels += [_cut_panel(scene, name) for name in scene.cuts]
    view = scene.view(scene.channels, scene.ticks)
    title = f"from raw signal to charge: {scene.event.title}"
    for name, cut in scene.cuts.items():
        title += f"\n{name}: a cut at {scene.settings.charge_cut:g} e/tick {cut.sentence}"
    marked = chosen_channel(scene)
    title += f"\ndotted: channel {marked}"
    return display_figure(panels, view, scene.look, scene.settings.columns, title, marked)


def _cut_panel(scene: Scene, name: str) -> Panel:
    title = f"charge of {name} above {scene.settings.charge_cut:g} e/tick"
    charge = scene.cuts[name].charge[scene.part]
    return ChargePanel(title=title, charge=charge, outlines=scene.outlines(padded=True))


def comparison(scene: Scene) -> Figure:
    """Where networks or thresholds differ from truth and from each other."""
    view = scene.view(scene.channels, scene.ticks)
    panels = [_against_truth(scene, finding) for finding in scene.findings]
    panels += [_against_each_other(scene, a, b) for a, b in combinations(scene.findings, 2)]
    truth, losses = _losses(scene)
    colours = {**scene.colours, scene.physics.gauss: CLASSICAL}
    title = f"comparison: {scene.event.title}"
    columns = scene.settings.columns
    return comparison_figure(panels, truth, losses, colours, view, scene.look, columns, title)


def _against_truth(scene: Scene, finding: Finding) -> Panel:
    title = f"{finding.name} against truth, pixels"
    if scene.truth_mask is None:
        return AbsentPanel(title=title, text=scene.event.no_truth)
    return against_truth(title, scene.truth_mask[scene.part], finding.roi_mask[scene.part])


def _against_each_other(scene: Scene, one: Finding, other: Finding) -> Panel:
    """What only one of two finds, on true charge and off it."""
    a, b = one.roi_mask[scene.part], other.roi_mask[scene.part]
    title = f"{one.name} against {other.name}, pixels"
    if scene.truth_mask is None:
        names = {f"only {one.name}": TRUTH, f"only {other.name}": PREDICTED}
        classes = (a & ~b) * 1 + (b & ~a) * 2
        return ClassPanel(title=title, classes=classes.astype(np.uint8), names=names)
    true = scene.truth_mask[scene.part]
    kinds = [(a & ~b & true), (a & ~b & ~true), (b & ~a & true), (b & ~a & ~true)]
    classes = sum(((n + 1) * kind for n, kind in enumerate(kinds)), np.zeros(a.shape, np.int64))
    named = [f"only {f.name}, {what}" for f in (one, other) for what in ("true", "extra")]
    names = dict(zip(named, (TRUTH, COLOURS[5], PREDICTED, COLOURS[4]), strict=True))
    return ClassPanel(title=title, classes=classes.astype(np.uint8), names=names)


def _losses(scene: Scene) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
    """Truth charge of every shown channel, and what of it each method loses [electrons]."""
    if scene.event.truth is None:
        return None, {}
    windows = charge_windows(scene.event.truth, scene.physics.window, scene.physics.margin)
    rows = scene.part[0]
    truth = windows.charge(scene.event.truth)[rows]
    results: dict[str, Frame | None] = {f.name: f.charge for f in scene.findings}
    results[scene.physics.gauss] = scene.event.tags.get(scene.physics.gauss)
    lost = {
        name: truth - windows.charge(charge)[rows]
        for name, charge in results.items()
        if charge is not None
    }
    return truth, lost
