"""One plane as an interactive page: pan, zoom, hover, choice of layers (needs bokeh)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.events import DocumentReady, MouseMove, Tap
from bokeh.layouts import column, row
from bokeh.models import ColumnDataSource, CustomJS, LinearColorMapper
from bokeh.models.annotations import ColorBar
from bokeh.models.ranges import Range1d
from bokeh.models.widgets import CheckboxGroup, Div, RadioButtonGroup, Select, Slider
from bokeh.plotting import figure
from bokeh.resources import INLINE
from matplotlib import colormaps

from roilab.plots.style import CHARGE_COLOURS
from roilab.plots.view import View

_COLOURS = 255
_HEAD = (
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    "<style>h1 { font: bold 1.1rem sans-serif; margin: 0.4rem; }</style>"
)


@dataclass(frozen=True)
class PageLayer:
    """One quantity of a page.

    Attributes:
        name: in the list of layers.
        unit: of the values; empty for a probability.
        step: values are multiples of this step.
        limit: the colours reach from minus to plus this value at the start.
        data: values / ``step`` (channel, tick) of the view: differences along time as 16-bit
            integers, all low bytes before all high bytes, deflated, in base 64.
        outline: colour of its outline; ``None`` where it cannot be outlined.
    """

    name: str
    unit: str
    step: float
    limit: float
    data: str
    outline: str | None


def page_html(layers: Sequence[PageLayer], view: View, title: str) -> str:
    """Return a page of one or more layers that needs no other file.

    The page contains all samples. A pixel of the screen shows the value of largest size among its
    samples, so that thin tracks do not vanish in a view of the full plane.
    """
    source, plot = _plot(view)
    names: list[str | tuple[object, str]] = [layer.name for layer in layers]
    chosen = Select(title="layer", options=names, value=layers[0].name)
    scale = RadioButtonGroup(labels=["linear", "signed log"], active=0)
    reach = Slider(
        title="range of the colours, times that of the layer", start=0.1, end=4, step=0.1, value=1
    )
    outlined = [layer.name for layer in layers if layer.outline]
    outlines = CheckboxGroup(labels=[f"outline {name}" for name in outlined], active=[])
    text = (
        "Move over the plane, or touch it, to see the values of all layers. Keys on the plane: "
        "arrows move, + and - zoom, 0 shows all."
    )
    values = Div(text=text, sizing_mode="stretch_width")
    setup: dict[str, Any] = {"layers": [asdict(layer) for layer in layers], "outlined": outlined}
    setup |= {"palette": _palette(CHARGE_COLOURS), **asdict(view)}
    mapper = LinearColorMapper(palette=[_hex(one) for one in setup["palette"]], low=-1, high=1)
    plot.add_layout(ColorBar(color_mapper=mapper, width=14, padding=4), "right")
    wave, wave_source = _waveform(plot, view)
    args: dict[str, Any] = {"mapper": mapper, "wave": wave, "wave_source": wave_source}
    args |= {"setup": setup, "source": source, "plot": plot, "chosen": chosen, "scale": scale}
    args |= {"reach": reach, "outlines": outlines, "values": values}
    code = files("roilab.plots").joinpath("page.js").read_text(encoding="utf-8")
    document = Document()
    controls = column(chosen, scale, reach, outlines, values, width=320)
    planes = column(plot, wave, min_width=320, styles={"flex": "1 1 320px"})
    wrapped = {"flex-wrap": "wrap"}  # the controls go below the plane on a phone
    document.add_root(row(planes, controls, sizing_mode="stretch_width", styles=wrapped))
    document.js_on_event(DocumentReady, CustomJS(args=args, code=code))
    redraw = CustomJS(code="window.roilab?.redraw()")
    for model, name in (
        *((chosen, "value"), (scale, "active"), (reach, "value"), (outlines, "active")),
        *((r, side) for r in (plot.x_range, plot.y_range) for side in ("start", "end")),
        *((plot, side) for side in ("inner_width", "inner_height")),
    ):
        model.js_on_change(name, redraw)
    text = file_html(document, INLINE, title).replace("<head>", f"<head>{_HEAD}", 1)
    start, body, rest = text.rpartition("<body>")
    rest, end, after = rest.rpartition("</body>")
    return f"{start}{body}<main><h1>{escape(title)}</h1>{rest}</main>{end}{after}"


def _plot(view: View) -> tuple[ColumnDataSource, figure]:
    """Return the axes, and the source of the picture that the page's script draws in them."""
    left, right, bottom, top = view.extent
    source = ColumnDataSource(
        {"image": [np.zeros((2, 2), np.uint32)], "x": [left], "y": [bottom]}
        | {"dw": [right - left], "dh": [top - bottom]}
    )
    plot = figure(
        x_axis_label=view.time_label,
        y_axis_label="channel",
        x_range=Range1d(start=left, end=right, bounds=(left, right)),
        y_range=Range1d(start=bottom, end=top, bounds=(bottom, top)),
        tools="pan,wheel_zoom,xwheel_zoom,ywheel_zoom,box_zoom,undo,redo,reset,save",
        active_scroll="wheel_zoom",
        active_drag="box_zoom",
        toolbar_location="above",
        sizing_mode="stretch_width",
        height=540,
    )
    plot.grid.visible = False
    plot.image_rgba("image", "x", "y", "dw", "dh", source=source)
    for event in (MouseMove, Tap):
        plot.js_on_event(event, CustomJS(code="window.roilab?.hover(cb_obj.x, cb_obj.y)"))
    return source, plot


def _waveform(plot: figure, view: View) -> tuple[figure, ColumnDataSource]:
    """Return axes of one channel's waveform below the plane, with the same time range."""
    source = ColumnDataSource({"x": [], "y": []})
    wave = figure(
        title="waveform of the channel under the pointer",
        x_axis_label=view.time_label,
        x_range=plot.x_range,
        tools="",
        toolbar_location=None,
        sizing_mode="stretch_width",
        height=200,
    )
    wave.step("x", "y", source=source, mode="center", line_width=1.2)
    return wave, source


def _hex(colour: int) -> str:
    """Return a colour of ``_palette`` as text."""
    return f"#{colour & 255:02x}{colour >> 8 & 255:02x}{colour >> 16 & 255:02x}"


def _palette(name: str) -> list[int]:
    """Return colours in the format of the browser's canvas, 0xAABBGGRR."""
    colours = np.rint(255 * colormaps[name](np.linspace(0, 1, _COLOURS))).astype(np.int64)
    red, green, blue, alpha = colours.T
    return [int(value) for value in (alpha << 24) | (blue << 16) | (green << 8) | red]
