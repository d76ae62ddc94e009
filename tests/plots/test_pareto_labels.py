"""Labels of the figure of charge error against cost."""

from itertools import combinations

from roilab.plots.sweep import pareto_figure


def test_labels_do_not_cover_each_other() -> None:
    points = [
        (4.3, 22.0, "uresnet"),
        (5.6, 21.6, "nestedunet"),
        (4.9, 27.7, "unet"),
        (0.6, 31.2, "mobilenetv3"),
        (1.7, 29.7, "mobilenetv2"),
        (0.15, 28.0, "unet_fast"),
    ]
    figure = pareto_figure(points, points[-1:], "time [s]", "error [%]")
    figure.canvas.draw()
    (axis,) = figure.axes
    assert axis.get_xscale() == "log"
    assert [text.get_text() for text in axis.texts] == [label for *_, label in points]
    boxes = [text.get_window_extent() for text in axis.texts]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    # Costs that differ little have a linear axis.
    figure = pareto_figure(points[:3], points[:1], "time [s]", "error [%]")
    assert figure.axes[0].get_xscale() == "linear"
