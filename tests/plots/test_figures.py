"""Figures by their structure."""

import math
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer

from roilab.event_image import EventImage
from roilab.plots import (
    HeatMap,
    RunCurves,
    charge_figure,
    cost_figure,
    event_figure,
    heat_map_figure,
    loss_figure,
    memory_figure,
    padding_figure,
    scan_figure,
    sweep_loss_figure,
)
from roilab.plots.sweep import colour_range


def event_image() -> EventImage:
    rng = np.random.default_rng(0)
    layers = rng.normal(size=(3, 8, 12)).astype(np.float32)
    layers[1] = 0
    layers[1, 2, 3:9] = 4000 * 0.4  # a mask after a rebin
    truth = np.zeros((8, 12), dtype=np.float32)
    truth[2, 3:6] = 700
    probability = np.zeros((8, 12), dtype=np.float32)
    probability[2, 4:8] = 0.9
    names, mask = ["loose_lf", "mp2_roi", "c"], truth > 100
    return EventImage(layers, names, truth, mask, probability, 0.5, (400, 408), (100, 160))


def test_event_figure() -> None:
    figure = event_figure(event_image(), "event 7 V")
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in panels] == [
        *("loose_lf", "mp2_roi", "c", "ROI probability", "ROI mask against truth [pixels]"),
        "truth charge",
    ]
    assert {axis.get_xlabel() for axis in panels} == {"tick"}
    assert {axis.get_ylabel() for axis in panels} == {"channel"}
    assert {tuple(axis.images[0].get_extent()) for axis in panels} == {(100, 160, 399.5, 407.5)}
    assert figure.get_suptitle() == "event 7 V"
    legends = [[text.get_text() for text in legend.get_texts()] if legend else [] for legend in
               (axis.get_legend() for axis in panels)]  # fmt: skip
    assert legends[1] == ["pixels inside 6"]
    assert legends[4] == ["both 2", "missed 1", "extra 2"]
    shown = panels[4].images[0].get_array()
    assert shown is not None
    assert shown[2, 3:8].tolist() == [2, 1, 1, 3, 3]  # missed, both, both, extra, extra
    # A mask has two colours and no colour bar; charge has one range, that of the truth.
    bars = {axis.get_ylabel() for axis in figure.axes if axis not in panels}
    assert bars == {"charge [e / tick]", "ROI probability"}
    assert len(figure.axes) == 6 + 4
    assert panels[0].images[0].get_clim() == panels[5].images[0].get_clim() == (-700, 700)


def test_empty_image_can_be_drawn() -> None:
    nothing = np.zeros((1, 4, 5), dtype=np.float32)
    mask = nothing[0] > 0
    event = EventImage(nothing, ["a"], nothing[0], mask, nothing[0], 0.5, None, (0, 5))
    figure = event_figure(event, "")
    assert figure.axes[0].get_ylabel() == "channel (row)"
    figure.canvas.draw()


def test_loss_figure() -> None:
    curves = {
        "train/loss": [(0, 0.5), (1, 0.2)],
        "val/loss": [(0, 0.6), (1, 0.3)],
        "val/dice": [(0, 0.1), (1, float("nan"))],
        "lr-SGD": [(0, 0.1)],
    }
    figure = loss_figure(curves)
    loss, metrics = figure.axes
    assert [line.get_label() for line in loss.lines] == ["train/loss", "val/loss"]
    assert [line.get_label() for line in metrics.lines] == ["dice"]
    assert loss.lines[0].get_ydata().tolist() == [0.5, 0.2]  # type: ignore[union-attr]
    loss_figure({}).canvas.draw()


def test_sweep_loss_figure() -> None:
    runs = [
        RunCurves(rebin, threshold, [(0, 0.5), (1, 0.2)], [(0, 0.6)] if rebin == "4" else [])
        for rebin in ("4", "10")
        for threshold in ("50", "100")
    ]
    figure = sweep_loss_figure(runs, "rebin", "threshold")
    train, val = figure.axes
    assert (len(train.lines), len(val.lines)) == (4, 2)
    colours = [line.get_color() for line in train.lines]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    styles = [line.get_linestyle() for line in train.lines]
    assert styles == ["-", "--", "-", "--"]
    texts = [[t.get_text() for t in (x.get_title(), *x.get_texts())] for x in figure.legends]
    assert texts == [["rebin", "4", "10"], ["threshold", "50", "100"]]


def test_more_runs_than_colours() -> None:
    runs = [RunCurves(str(n), "", [(0, 1.0)], []) for n in range(40)]
    figure = sweep_loss_figure(runs, "run", "")
    assert len({tuple(line.get_color()) for line in figure.axes[0].lines}) == 40
    assert len(figure.legends) == 1
    figure.canvas.draw()


@pytest.mark.parametrize("count", [1, 3])
def test_heat_map_figure(count: int) -> None:
    values = np.array([[0.5, np.nan], [0.25, 1.0]])
    maps = [HeatMap(f"map {n}", values) for n in range(count)]
    figure = heat_map_figure(maps, ("rebin", "threshold"), (["4", "10"], ["50", "100"]))
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in panels] == [f"map {n}" for n in range(count)]
    assert [text.get_text() for text in panels[0].texts] == ["0.5", "-", "0.25", "1"]
    # Dark on light, light on dark; a low value is good, which is bright.
    assert [text.get_color() for text in panels[0].texts][2:] == ["k", "w"]
    assert (panels[0].get_ylabel(), panels[0].get_xlabel()) == ("rebin", "threshold")
    figure.canvas.draw()


def test_small_differences_have_nearly_the_same_colour() -> None:
    assert colour_range(np.array([0.9, 1.0, np.nan])) == pytest.approx((0.9, 1.0))
    assert colour_range(np.array([0.99, 1.0])) == pytest.approx((0.945, 1.045))
    assert colour_range(np.array([-2.0, -2.0])) == pytest.approx((-2.1, -1.9))
    assert colour_range(np.array([0.0])) == (-0.5, 0.5)
    assert colour_range(np.array([np.nan])) == (0, 1)


def test_cost_figure() -> None:
    rows: list[dict[str, Any]] = [
        {"rebin": rebin, "nchunks": nchunks, "precision": "float32", "variant": variant,
         "peak_mb": 1000 / nchunks, "peak_mb_spread": 10.0, "seconds": 2.0, "seconds_spread": None}
        for rebin in (1, 10) for variant in ("plain", "export") for nchunks in (10, 1)
    ]  # fmt: skip
    rows[0] |= {"peak_mb": None, "seconds": None}
    figure = cost_figure(rows, "a network")
    memory, time = figure.axes
    assert memory.get_yscale() == time.get_yscale() == "log"
    labels = memory.get_legend_handles_labels()[1]
    assert labels == [f"rebin {r}, {f}, float32" for r in (1, 10) for f in ("plain", "export")]
    assert memory.get_xticks().tolist() == [1, 10]
    (points, _, _) = memory.containers[1]
    assert points.get_ydata().tolist() == [1000, 100]
    # What failed is left out.
    (points, _, _) = memory.containers[0]
    assert points.get_xdata().tolist() == [1]
    figure.canvas.draw()


def judged(angle: float, inefficiency: tuple[float, float, float], **more: Any) -> dict[str, Any]:
    """One row of an evaluation."""
    row: dict[str, Any] = {"method": "dnn", "theta_xz": angle, "bias": -1.0, "bias_low": math.nan}
    row |= {"bias_high": math.nan, "roi_purity": 0.9, "pixel_purity": 0.8, "pixel_efficiency": 0.7}
    row |= dict(zip(INEFFICIENCY, inefficiency, strict=True))
    return row | more


INEFFICIENCY = ("inefficiency", "inefficiency_low", "inefficiency_high")


def bars(axis: Axes) -> list[list[list[float]]]:
    """Lower and upper end of the error bars of every line."""
    return [
        [[float(y) for y in segment[:, 1]] for segment in container.lines[2][0].get_segments()]
        for container in axis.containers
        if isinstance(container, ErrorbarContainer)
    ]


def test_error_bars_are_asymmetric() -> None:
    rows = [judged(0, (0, 0, 1.8)), judged(80, (25, 20, 32))]
    figure = charge_figure(rows, "inefficiency", "tracks")
    assert bars(figure.axes[0])[0] == [pytest.approx([0, 1.8]), pytest.approx([20, 32])]
    # Purities have no bounds, so no bars.
    assert all(not axis.containers[0].has_yerr for axis in figure.axes[1:])  # type: ignore[attr-defined]
    scan = [judged(0, (0, 0, 1.8), mask_thresh=x) for x in (0.1, 0.5)]
    figure = scan_figure(scan, [], 0.5, "tracks")
    assert bars(figure.axes[2]) == [[pytest.approx([0, 1.8])] * 2]
    more = {"rebin": 4, "threshold": 100, "pad_unit": "bins", "window_widened": False}
    padding = [judged(0, (0, 0, 1.8), pad=pad, **more) for pad in (0, 1)]
    figure = padding_figure(padding, "tracks")
    assert bars(figure.axes[1]) == [[pytest.approx([0, 1.8])] * 2]
    figure.canvas.draw()


def test_memory_figure() -> None:
    rows = [
        {"cell": cell, "segment": segment, "after_mb": 1.0 * n, "peak_mb": 2.0 * n}
        for cell in ("one", "other") for n, segment in enumerate(("start", "V", "V", "U"))
    ]  # fmt: skip
    rows += [{"cell": "a log", "segment": "job", "after_mb": 5.0}]
    figure = memory_figure(rows, "memory")
    assert [axis.get_title() for axis in figure.axes] == ["one", "other", "a log"]
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["start", "V", "U"]
    assert figure.axes[0].get_xticks().tolist() == [0, 1.5, 3]
    figure.canvas.draw()
