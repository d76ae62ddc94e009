"""Figures by their structure."""

import numpy as np

from roilab.plots import event_figure, loss_figure


def test_event_figure() -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(size=(3, 8, 12)).astype(np.float32)
    truth = np.zeros((8, 12), dtype=bool)
    truth[2, 3:6] = True
    probability = np.zeros((8, 12), dtype=np.float32)
    probability[2, 4:8] = 0.9
    figure = event_figure(image, truth, probability, ["a", "b", "c"], 0.5, "event 7 V")
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in panels] == [
        *("a", "b", "c", "ROI probability", "ROI mask against truth [pixels]")
    ]
    assert {axis.get_xlabel() for axis in panels} == {"slice"}
    assert {axis.get_ylabel() for axis in panels} == {"channel (row)"}
    assert figure.get_suptitle() == "event 7 V"
    legend = panels[-1].get_legend()
    assert legend is not None
    texts = {text.get_text() for text in legend.get_texts()}
    assert texts == {"both 2", "missed 1", "extra 2"}
    shown = panels[-1].images[0].get_array()
    assert shown is not None
    assert shown[2, 3:8].tolist() == [1, 3, 3, 2, 2]
    low, high = panels[0].images[0].get_clim()
    assert low == -high


def test_empty_image_can_be_drawn() -> None:
    nothing = np.zeros((1, 4, 5), dtype=np.float32)
    figure = event_figure(nothing, nothing[0] > 0, nothing[0], ["a"], 0.5, "")
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
