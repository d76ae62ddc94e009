"""Event displays, waveforms and comparisons: by structure, by pixels, and by stored images."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.typing import NDArray

from roilab.plots.display import comparison_figure, display_figure
from roilab.plots.panels import AbsentPanel, ChargePanel, Outline, Panel, against_truth
from roilab.plots.pooling import class_pool, max_pool, mean_pool
from roilab.plots.view import Look, View
from roilab.plots.waveform import RoiEdges, Waveform, WaveformRow, waveform_figure

BASELINES = Path(__file__).parent / "baselines"
VIEW = View((100, 140), (0, 200), 0.5, -250.0, in_us=False)
LOOK = Look(1000, None, max_pool, (300, 360))


def track() -> NDArray[np.float32]:
    tick, channel = np.arange(200), np.arange(40)[:, None]
    wave = 1000 * np.exp(-(((tick - 40 - 3 * channel) / 6) ** 2))
    return (wave - 0.6 * np.roll(wave, 20, axis=1)).astype(np.float32)


def shown_panels() -> list[Panel]:
    charge = track()
    truth, found = charge > 100, np.roll(charge > 100, 4, axis=1)
    return [
        ChargePanel(title="decon_charge", charge=charge, outlines=[Outline("truth", truth)]),
        against_truth("mask, pixels", truth, found),
        AbsentPanel(title="raw", text="event 7 has no tag 'raw1'"),
    ]


def display() -> Figure:
    return display_figure(shown_panels(), VIEW, LOOK, 2, "some.h5, event 7, APA 1, plane V", 120)


def waves() -> Figure:
    charge = track()[20]
    rows = [
        WaveformRow("orig", "", absent="event 7 has no tag 'orig1'"),
        WaveformRow("decon_charge", "e / tick", [Waveform("decon_charge", charge, "0.25")]),
        WaveformRow(
            "ROI probability",
            "",
            [Waveform("a", charge / 1000, "C1")],
            level=0.5,
            limits=(-0.1, 1.1),
        ),
    ]
    rois = [
        RoiEdges("true ROI", [(92, 109)], "C0", "-", 0.1),
        RoiEdges("found", [(90, 105)], "C1", "--"),
    ]
    return waveform_figure(rows, rois, VIEW, "channel 120")


def comparison() -> Figure:
    truth = np.full(40, 2e4)
    losses = {"a": np.linspace(0, 1e4, 40), "gauss": np.full(40, -1e3)}
    colours = {"a": "#D55E00", "gauss": "#000000"}
    panels = shown_panels()[:2]
    return comparison_figure(panels, truth, losses, colours, VIEW, LOOK, 2, "comparison")


def test_display_names_what_it_shows() -> None:
    figure = display()
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in panels] == ["decon_charge", "mask, pixels", "raw"]
    assert {axis.get_xlabel() for axis in panels} == {"tick [500 ns]"}
    assert {axis.get_ylabel() for axis in panels} == {"channel"}
    assert figure.get_suptitle() == "some.h5, event 7, APA 1, plane V"
    (bar,) = [axis for axis in figure.axes if not axis.get_title()]
    assert bar.get_ylabel() == "charge [e / tick]"
    assert panels[0].images[0].get_clim() == (-1000, 1000)
    assert [text.get_text() for text in panels[2].texts] == ["event 7 has no tag 'raw1'"]
    legend = panels[1].get_legend()
    assert legend is not None
    truth = track() > 100
    missed = int((truth & ~np.roll(truth, 4, axis=1)).sum())
    assert f"missed {missed:,}" in {text.get_text() for text in legend.get_texts()}


def test_time_axis_in_microseconds() -> None:
    view = View((100, 140), (20, 200), 0.5, -250.0, in_us=True)
    assert view.time_label == "time [us]"
    assert view.extent == (-240.25, -150.25, 99.5, 139.5)
    assert view.times[[0, -1]].tolist() == [-240.0, -150.5]


def test_signed_logarithm_is_symmetric() -> None:
    look = Look(2000, 100, max_pool, (300, 360))
    figure = display_figure(shown_panels()[:1], VIEW, look, 1, "")
    norm = figure.axes[0].images[0].norm
    assert [float(norm(value)) for value in (-2000, 0, 2000)] == pytest.approx([0, 0.5, 1])
    assert norm(500) == pytest.approx(1 - norm(-500))


def test_edges_of_rois_go_through_all_rows() -> None:
    figure = waves()
    for axis in figure.axes:
        edges = {float(np.asarray(line.get_xdata())[0]) for line in axis.lines}
        assert {91.5, 108.5, 89.5, 104.5} <= edges
    assert figure.axes[-1].get_xlabel() == "tick [500 ns]"
    assert figure.axes[1].get_ylabel() == "e / tick"


def test_comparison_tells_the_charge_lost() -> None:
    legend = comparison().axes[-1].get_legend()
    assert legend is not None
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == [
        *("truth: 8e+05 e", "a: 2e+05 e lost (25.0 %)", "gauss: -4e+04 e lost (-5.0 %)")
    ]


def test_a_plane_without_charge_says_so() -> None:
    nothing = np.zeros((40, 200), np.float32)
    panels = [ChargePanel(title="gauss", charge=nothing)]
    figure = display_figure(panels, VIEW, LOOK, 1, "")
    figure.canvas.draw()
    assert "no charge" in figure.axes[0].texts[0].get_text()


@given(st.integers(1, 30), st.integers(1, 50), st.integers(1, 12), st.integers(1, 12), st.data())
def test_no_spike_is_lost(
    rows: int, columns: int, high: int, wide: int, data: st.DataObject
) -> None:
    image = np.zeros((rows, columns), np.float32)
    place = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    image[place] = -7
    pooled = max_pool(image, (high, wide))
    assert pooled.shape == (min(rows, high), min(columns, wide))
    assert (pooled.min(), np.count_nonzero(pooled)) == (-7, 1)
    classes = class_pool((image != 0).astype(np.uint8), 2, (high, wide))
    assert np.array_equal(classes == 1, pooled != 0)


def test_mean_pooling() -> None:
    image = np.arange(12, dtype=np.float32).reshape(2, 6)
    assert mean_pool(image, (1, 3)).tolist() == [[3.5, 5.5, 7.5]]
    assert max_pool(-image, (1, 3)).tolist() == [[-7, -9, -11]]


@pytest.mark.parametrize("draw", [display, waves, comparison], ids=lambda draw: draw.__name__)
def test_looks_as_stored(draw: object) -> None:
    """Against an image in steps of 16 x 16 pixels, so that fonts and versions hardly matter."""
    figure = draw()  # type: ignore[operator]
    stored = imread(BASELINES / f"{draw.__name__}.png")[..., :3]  # type: ignore[attr-defined]
    drawn = small(figure)
    assert drawn.shape == stored.shape
    assert np.abs(drawn - stored).mean() < 0.02
    assert np.quantile(np.abs(drawn - stored), 0.99) < 0.25


def small(figure: Figure) -> NDArray[np.float64]:
    """Mean colour of every 16 x 16 pixels."""
    figure.set_dpi(100)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255  # type: ignore[attr-defined]
    rows, columns = pixels.shape[0] // 16 * 16, pixels.shape[1] // 16 * 16
    blocks = pixels[:rows, :columns].reshape(rows // 16, 16, columns // 16, 16, 3)
    return np.asarray(blocks.mean((1, 3)))


if __name__ == "__main__":  # store the images anew: python tests/plots/test_displays.py
    from matplotlib.image import imsave

    BASELINES.mkdir(exist_ok=True)
    for function in (display, waves, comparison):
        imsave(BASELINES / f"{function.__name__}.png", small(function()))
