"""Pictures of W&B records: what the charts show, drawn without an account."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from roilab.atomic_write import save_figure
from roilab.dashboard.charts import Kind, list_charts, setting, varied_settings
from roilab.dashboard.records import WandbRun
from roilab.plots.angles import METHODS
from roilab.plots.style import COLOURS, PREDICTED, TRUTH, new_figure

_COLUMNS = 4
_CLASSES = {"truth": TRUTH, "prediction": PREDICTED}


def save_pictures(runs: Sequence[WandbRun], folder: Path) -> list[Path]:
    """Draw the curves of all runs, and events and angles of the first; return the files."""
    drawn: list[tuple[str, Callable[[], Figure | None]]] = [
        ("curves", lambda: curves_figure(runs)),
        ("events", lambda: events_figure(runs[0])),
        ("angles", lambda: angles_figure(runs[0])),
        ("sweep", lambda: sweep_figure(runs)),
    ]
    files = []
    for name, draw in drawn:
        if (figure := draw()) is not None:
            files.append(folder / f"{name}.png")
            save_figure(files[-1], figure, dpi=100)
    return files


def curves_figure(runs: Sequence[WandbRun]) -> Figure:
    """Draw all numbers against epoch, one axis a key, one curve a run."""
    kinds = (Kind.LINES,)
    keys = [key for chart in list_charts(runs) if chart.kind in kinds for key in chart.keys]
    figure, axes = _grid(len(keys))
    for key, axis in zip(keys, axes, strict=False):
        for run, colour in zip(runs, cycle(COLOURS), strict=False):
            points = run.points(key)
            if points:
                axis.plot(*zip(*points, strict=True), "o-", ms=3, color=colour, label=run.name)
        axis.set_title(key, fontsize="medium")
        axis.grid(alpha=0.3)
        axis.set_xlabel("epoch")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize="small")
    return figure


def events_figure(run: WandbRun) -> Figure | None:
    """Draw the positions of the slider of one event, with both masks as outlines."""
    keys = [key for chart in list_charts([run]) for key in chart.keys if key.startswith("events/")]
    # Records of other programs, or of an old version, have other pictures under such keys.
    keys = [key for key in keys if all({"path", "masks"} <= set(m) for _, m in run.points(key))]
    if not keys:
        return None
    points = run.points(keys[0])
    figure, axes = _grid(len(points))
    for (epoch, media), axis in zip(points, axes, strict=False):
        axis.imshow(np.asarray(Image.open(run.path(media))), aspect="auto")
        for name, mask in media["masks"].items():
            marked = np.asarray(Image.open(run.path(mask))) > 0
            if marked.any():
                axis.contour(marked, [0.5], colors=_CLASSES[name], linewidths=0.6)
            axis.plot([], [], color=_CLASSES[name], label=name)
        last = " (best checkpoint)" if epoch == points[-1][0] else ""
        axis.set_title(f"epoch {epoch:g}{last}", fontsize="medium")
    axes[0].legend(fontsize="small", loc="upper right")
    figure.suptitle(keys[0])
    return figure


def angles_figure(run: WandbRun) -> Figure | None:
    """Draw the charts against angle, as they are at the end."""
    charts = [chart for chart in list_charts([run]) if chart.kind is Kind.CURVES]
    if not charts:
        return None
    figure, axes = _grid(len(charts))
    for chart, axis in zip(charts, axes, strict=False):
        curves: dict[str, list[tuple[float, float]]] = {}
        for row in _rows(run, run.points(chart.keys[0])[-1][1]):
            curves.setdefault(row["lineKey"], []).append((row["step"], row["lineVal"]))
        for method, points in curves.items():
            axis.plot(*zip(*points, strict=True), **METHODS.get(method, {}))
        axis.set_title(run.custom_charts.get(chart.title, chart.title), fontsize="medium")
        axis.set_xlabel("theta_xz [deg]")
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.suptitle(run.name)
    return figure


def sweep_figure(runs: Sequence[WandbRun]) -> Figure | None:
    """Draw numbers at the end against the settings that vary; ``None`` where none do."""
    runs = [run for run in runs if run.points("best/dice")]  # those that have ended
    if not runs:
        return None
    settings = [key for key in varied_settings(runs) if _is_number(setting(runs[0], key))]
    results = ("best/dice", "best/loss", "physics/inefficiency", "physics/bias_size")
    known = [name for name in results if all(run.points(name) for run in runs)]
    if not settings or not known:
        return None
    figure, axes = _grid(len(settings) * len(known), len(known))
    pairs = [(key, name) for key in settings for name in known]
    for (key, name), axis in zip(pairs, axes, strict=False):
        for run, colour in zip(runs, cycle(COLOURS), strict=False):
            axis.plot(setting(run, key), _at_end(run, name), "o", color=colour, label=run.name)
        axis.set(xlabel=key, ylabel=name)
        axis.grid(alpha=0.3)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize="small")
    return figure


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _at_end(run: WandbRun, name: str) -> float:
    """Return the last logged value of a number."""
    return float(run.points(name)[-1][1])


def _rows(run: WandbRun, media: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    content = json.loads(run.path(media).read_text())
    for row in content["data"]:
        yield dict(zip(content["columns"], row, strict=True))


def _grid(count: int, columns: int = _COLUMNS) -> tuple[Figure, list[Axes]]:
    """Return a figure with ``count`` axes."""
    columns = min(count, columns)
    rows = -(-count // columns)
    figure = new_figure(3.4 * columns, 2.7 * rows + 0.5)
    return figure, [figure.add_subplot(rows, columns, n + 1) for n in range(count)]
