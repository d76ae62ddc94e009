"""One plane as an interactive page: pan, zoom, hover, choice of layers (needs bokeh)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.events import ButtonClick, DocumentReady, MouseMove, Tap
from bokeh.layouts import column, row
from bokeh.models import ColumnDataSource, CustomJS, LinearColorMapper
from bokeh.models.annotations import ColorBar
from bokeh.models.ranges import Range1d
from bokeh.models.widgets import Button, CheckboxGroup, Div, RadioButtonGroup, Select, Slider
from bokeh.plotting import figure
from bokeh.resources import INLINE
from matplotlib import colormaps
from matplotlib.colors import Colormap

from roilab.plots.page_style import DARK_CHARGE, HEAD, SCHEMES, WIDGETS
from roilab.plots.style import CHARGE_COLOURS
from roilab.plots.view import View

_COLOURS = 255
# bokeh leaves a bright line around dark axes
_CLIPPED: dict[str, str | None] = {"clip-path": "inset(2px)"}


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


def page_html(layers: Sequence[PageLayer], view: View, opening: View, title: str) -> str:
    """Return a page of one or more layers that needs no other file.

    The page contains all samples of ``view`` and opens on those of ``opening``. A pixel of the
    screen shows the value of largest size among its samples, so that thin tracks do not vanish in a
    view of the full plane.
    """
    source, plot = _plot(view, opening)
    names: list[str | tuple[object, str]] = [layer.name for layer in layers]
    outlined = [layer.name for layer in layers if layer.outline]
    setup: dict[str, Any] = {"layers": [asdict(layer) for layer in layers], "outlined": outlined}
    setup |= {"palettes": {"light": _palette(colormaps[CHARGE_COLOURS])}, **asdict(view)}
    setup["palettes"]["dark"] = _palette(DARK_CHARGE)
    setup |= {"schemes": SCHEMES, "opening": opening.extent}
    colours = [_hex(one) for one in setup["palettes"]["light"]]
    mapper = LinearColorMapper(palette=colours, low=-1, high=1)
    bar = ColorBar(color_mapper=mapper, width=14, padding=4)
    plot.add_layout(bar, "right")
    wave, wave_source, line = _waveform(plot, view)
    chosen, scale, reach, outlines, values, full, signal = _controls(names, outlined)
    args: dict[str, Any] = {"mapper": mapper, "wave": wave, "wave_source": wave_source}
    args |= {"setup": setup, "source": source, "plot": plot, "chosen": chosen, "scale": scale}
    args |= {"reach": reach, "outlines": outlines, "values": values, "bar": bar, "line": line}
    code = files("roilab.plots").joinpath("page.js").read_text(encoding="utf-8")
    document = Document()
    buttons = row(full, signal)
    controls = column(buttons, chosen, scale, reach, outlines, values, width=320)
    planes = column(plot, wave, min_width=320, styles={"flex": "1 1 320px"})
    wrapped = {"flex-wrap": "wrap"}  # the controls go below the plane on a phone
    document.add_root(row(planes, controls, sizing_mode="stretch_width", styles=wrapped))
    document.js_on_event(DocumentReady, CustomJS(args=args, code=code))
    _redraw_after(plot, chosen, scale, reach, outlines)
    text = file_html(document, INLINE, title).replace("<head>", f"<head>{HEAD}", 1)
    start, body, rest = text.rpartition("<body>")
    rest, end, after = rest.rpartition("</body>")
    return f"{start}{body}<main><h1>{escape(title)}</h1>{rest}</main>{end}{after}"


def _redraw_after(plot: figure, chosen: Any, scale: Any, reach: Any, outlines: Any) -> None:
    """Draw the plane anew after every change of a control, of the region or of the size."""
    redraw = CustomJS(code="window.roilab?.redraw()")
    for model, name in (
        *((chosen, "value"), (scale, "active"), (reach, "value"), (outlines, "active")),
        *((r, side) for r in (plot.x_range, plot.y_range) for side in ("start", "end")),
        *((plot, side) for side in ("inner_width", "inner_height")),
    ):
        model.js_on_change(name, redraw)


def _controls(names: list[str | tuple[object, str]], outlined: Sequence[str]) -> tuple[Any, ...]:
    """Return choice of layer, scale, range of colours, outlines, values and two buttons."""
    style: dict[str, Any] = {"stylesheets": [WIDGETS]}
    reach = "range of the colours, times that of the layer"
    text = (
        "Move over the plane, or touch it, to see the values of all layers. Keys on the plane: "
        "arrows move, + and - zoom, 0 shows all, 1 shows the signal."
    )
    full = Button(label="show all", **style)
    signal = Button(label="show the signal", **style)
    full.js_on_event(ButtonClick, CustomJS(code="window.roilab?.showAll()"))
    signal.js_on_event(ButtonClick, CustomJS(code="window.roilab?.showSignal()"))
    return (
        Select(title="layer", options=names, value=names[0], **style),
        RadioButtonGroup(labels=["linear", "signed log"], active=0, **style),
        Slider(title=reach, start=0.1, end=4, step=0.1, value=1, **style),
        CheckboxGroup(labels=[f"outline {name}" for name in outlined], active=[], **style),
        Div(text=text, sizing_mode="stretch_width", **style),
        *(full, signal),
    )


def _plot(view: View, opening: View) -> tuple[ColumnDataSource, figure]:
    """Return the axes, and the source of the picture that the page's script draws in them."""
    left, right, bottom, top = view.extent
    first, end, low, high = opening.extent
    source = ColumnDataSource(
        {"image": [np.zeros((2, 2), np.uint32)], "x": [left], "y": [bottom]}
        | {"dw": [right - left], "dh": [top - bottom]}
    )
    plot = figure(
        x_axis_label=view.time_label,
        y_axis_label="channel",
        x_range=Range1d(start=first, end=end, bounds=(left, right)),
        y_range=Range1d(start=low, end=high, bounds=(bottom, top)),
        tools="pan,wheel_zoom,xwheel_zoom,ywheel_zoom,box_zoom,undo,redo,reset,save",
        active_scroll="wheel_zoom",
        active_drag="box_zoom",
        toolbar_location="above",
        sizing_mode="stretch_width",
        styles=_CLIPPED,
        height=540,
    )
    plot.grid.visible = False
    plot.image_rgba("image", "x", "y", "dw", "dh", source=source)
    for event in (MouseMove, Tap):
        plot.js_on_event(event, CustomJS(code="window.roilab?.hover(cb_obj.x, cb_obj.y)"))
    return source, plot


def _waveform(plot: figure, view: View) -> tuple[figure, ColumnDataSource, Any]:
    """Return axes of one channel's waveform below the plane, with the same time range."""
    source = ColumnDataSource({"x": list(view.extent[:2]), "y": [0.0, 0.0]})
    wave = figure(
        title="waveform of the channel under the pointer",
        x_axis_label=view.time_label,
        x_range=plot.x_range,
        tools="",
        toolbar_location=None,
        sizing_mode="stretch_width",
        styles=_CLIPPED,
        height=200,
    )
    line = wave.step("x", "y", source=source, mode="center", line_width=1.2)
    return wave, source, line.glyph


def _hex(colour: int) -> str:
    """Return a colour of ``_palette`` as text."""
    return f"#{colour & 255:02x}{colour >> 8 & 255:02x}{colour >> 16 & 255:02x}"


def _palette(colours: Colormap) -> list[int]:
    """Return colours in the format of the browser's canvas, 0xAABBGGRR."""
    parts = np.rint(255 * colours(np.linspace(0, 1, _COLOURS))).astype(np.int64)
    red, green, blue, alpha = parts.T
    return [int(value) for value in (alpha << 24) | (blue << 16) | (green << 8) | red]
