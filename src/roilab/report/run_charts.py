"""Charts of a run's page: charge against angle, mask threshold, losses, events."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure

from roilab.event_image import EventImage
from roilab.plots import CHARGE, ROIS, loss_panels, metric_figure, threshold_figure
from roilab.plots.event import Draw, event_panels
from roilab.plots.style import PREDICTED, new_chart
from roilab.report.run_record import RunRecord
from roilab.report.run_tables import metric_words
from roilab.report.svg import Chart, draw_chart
from roilab.types import Row
from roilab.verdict.rule import number

# Colours that are seen on a light and on a dark page: charge is transparent at zero, blue where
# it is negative and red where it is positive.
_CHARGE = LinearSegmentedColormap.from_list(
    "charge",
    [
        *((0, (0, 0.35, 0.85, 1)), (0.35, (0.2, 0.55, 0.9, 0.8)), (0.5, (0.3, 0.6, 0.9, 0))),
        *((0.5, (0.95, 0.6, 0.2, 0)), (0.65, (0.95, 0.5, 0.1, 0.8)), (1, (0.85, 0.15, 0, 1))),
    ],
)
_PROBABILITY = LinearSegmentedColormap.from_list(
    "probability", [to_rgba("#8a5cf5", 0), to_rgba("#8a5cf5", 0.7), to_rgba("#d6337c")]
)
_CLASSES = {"both": "#808080", "missed": "#1f86d0", "extra": PREDICTED}
_INSIDE = "#808080"
# Places of a panel in its figure: beside a colour bar, and above a legend.
_WITH_BAR, _WITH_LEGEND = (0.155, 0.25, 0.70, 0.66), (0.155, 0.25, 0.825, 0.66)
_NUMBERS = [f"{name}{end}" for name in (*CHARGE, *ROIS) for end in ("", "_low", "_high")]


@dataclass(frozen=True)
class Curves:
    """Charts of one sample, plane and energy, with its title."""

    title: str
    charts: Sequence[Chart]


def charge_curves(rows: Sequence[Row]) -> list[Curves]:
    """Draw the charge metrics of every sample, plane and energy against angle; tracks first.

    ROI purity takes the place of the charge profile, which tracks do not have.

    Args:
        rows: of a table of charge metrics, cells as text.
    """
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if not math.isnan(number(row.get("theta_xz"))):
            key = tuple(str(row.get(name) or "") for name in ("energy", "sample", "plane"))
            numbers = {name: number(row[name]) for name in _NUMBERS if name in row}
            point = {"method": row.get("method"), "theta_xz": number(row["theta_xz"]), **numbers}
            groups.setdefault((key[0], key[1], key[2]), []).append(point)
    ordered = sorted(groups.items(), key=lambda item: item[0][0] != "")  # tracks have no energy
    return [_curves(f"curve{n}", key, points) for n, (key, points) in enumerate(ordered)]


def _curves(name: str, key: tuple[str, str, str], points: list[Row]) -> Curves:
    energy, sample, plane = key
    known = {
        quantity
        for quantity in (*CHARGE, *ROIS)
        if any(not math.isnan(point.get(quantity, math.nan)) for point in points)
    }
    shown = [quantity for quantity in CHARGE if quantity in known]
    shown += ["roi_purity"] * ("charge_profile" not in shown and "roi_purity" in known)
    title = f"{sample or 'sample'}, plane {plane}" + (f", {energy} MeV" if energy else "")
    complete = [dict.fromkeys(known, math.nan) | point for point in points]
    charts = [
        draw_chart(
            partial(metric_figure, complete, quantity),
            f"{name}-{quantity.replace('_', '-')}",
            f"{metric_words(quantity)} against angle, {title}: network, gauss and ideal; the "
            "numbers stand in the table below.",
        )
        for quantity in shown
    ]
    return Curves(title, charts)


def threshold_chart(run: RunRecord) -> Chart | None:
    """Draw the metrics at every scanned mask threshold; ``None`` without a scan."""
    scan, chosen = run.working_point.get("scan"), run.mask_thresh
    if not scan or chosen is None:
        return None
    rows = [{name: number(value) for name, value in row.items()} for row in scan]
    alt = f"Metrics against mask threshold; a line marks {chosen:g}. The numbers stand below."
    return draw_chart(partial(threshold_figure, rows, chosen), "threshold", alt)


def loss_charts(run: RunRecord) -> list[Chart]:
    """Draw losses and validation metrics against epoch; none without a log."""
    return [
        draw_chart(draw, f"log{n}", f"{what} against epoch. {_at_the_end(run)}")
        for n, (what, draw) in enumerate(loss_panels(run.curves).items())
    ]


def _at_the_end(run: RunRecord) -> str:
    last = [
        f"{name} {points[-1][1]:.4g} in epoch {points[-1][0]}"
        for name in ("train/loss", "val/loss", "val/dice")
        if (points := run.curves.get(name))
    ]
    return f"At the end: {', '.join(last)}." if last else ""


def loss_caption(run: RunRecord) -> str:
    """Return the values in the last epoch, in a sentence."""
    return _at_the_end(run)


def event_charts(event: EventImage, name: str, title: str) -> list[Chart]:
    """Draw the panels of one event, channel against tick.

    Args:
        event: the image.
        name: see ``draw_chart``.
        title: of the event, for readers without pictures.
    """
    panels = event_panels(event, _CHARGE, _PROBABILITY, _CLASSES, _INSIDE)
    return [
        draw_chart(
            partial(_one_panel, draw),
            f"{name}-{re.sub(r'[^a-z0-9]+', '-', what.lower())}",
            f"{what}, channel against tick, of {title}",
        )
        for what, draw in panels.items()
    ]


def _one_panel(draw: Draw) -> Figure:
    figure, axis = new_chart()
    axis.set_position(_WITH_BAR)
    draw(axis)
    legend = axis.get_legend()
    if legend is not None:
        axis.set_position(_WITH_LEGEND)
        legend.set_bbox_to_anchor((0.5, -0.19), transform=axis.transAxes)
        for text in legend.get_texts():
            text.set_fontsize(9.5)
    return figure
