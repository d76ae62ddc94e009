"""Interactive page of one event: its layers, packed to keep the page small."""

import base64
import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roilab.atomic_write import write_text
from roilab.display.event_view import EventView, above_median
from roilab.display.settings import DisplayError
from roilab.plots.style import OUTLINE
from roilab.types import Frame

log = logging.getLogger(__name__)
# Finest step in which values are kept, by unit; nothing finer than the noise's width over 8.
_FINEST = {"e/tick": 2.0, "ADC": 1.0, "inside": 1.0, "": 0.004}
_STEPS_OF_NOISE = 8
_LARGEST = 32767  # of a 16-bit integer


@dataclass
class Packed:
    """One layer: its samples, and the same as text, rounded to multiples of a step.

    Attributes:
        name: of the layer.
        unit: of its values.
        values: shape (channel, tick) of what is shown.
        step: values are kept as multiples of it.
        data: as ``roilab.plots.page.PageLayer`` takes it.
    """

    name: str
    unit: str
    values: Frame
    step: float = 0.0
    data: str = ""

    def __post_init__(self) -> None:
        size = np.abs(self.values[:, ::7])
        noise = float(np.median(size)) / 0.6745 if self.unit == "e/tick" else 0.0
        largest = float(np.abs(self.values).max(initial=0))
        self.step = max(_FINEST[self.unit], noise / _STEPS_OF_NOISE, largest / _LARGEST)
        charged = size[size > 0]
        is_charge = bool(self.unit) and charged.size
        self.limit = float(np.quantile(charged, 0.99)) if is_charge else 1.0
        self.pack(self.step)

    def pack(self, step: float) -> None:
        """Pack values as integer multiples of ``step``: differences in time, low bytes first."""
        self.step = step
        numbers = np.rint(self.values / np.float32(step)).astype(np.int16)
        steps = np.diff(numbers, axis=1, prepend=np.int16(0)).astype("<i2")
        planes = steps.view(np.uint8).reshape(-1, 2).T
        deflate = zlib.compressobj(6, zlib.DEFLATED, 15, 9, zlib.Z_FILTERED)
        packed = deflate.compress(planes.tobytes()) + deflate.flush()
        self.data = base64.b64encode(packed).decode()


def write_page(view: EventView, path: Path) -> None:
    """Write a page of all layers of a plane, at full resolution.

    Args:
        view: plane and predictions.
        path: of the page.

    Raises:
        DisplayError: bokeh is not installed, or the page cannot be made small enough.
    """
    try:
        from roilab.plots.page import PageLayer, page_html
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("bokeh"):
            raise
        raise DisplayError(
            "display.html=true needs bokeh, which is not installed; pip install 'roilab[html]'."
        ) from error
    packed = _ordered(list(_layers(view)), view)
    axes, opening = view.axes(*view.limits), view.axes(view.channels, view.ticks)
    colours = {"truth": OUTLINE, **{f"charge of {n}": c for n, c in view.colours.items()}}

    def html(with_data: bool) -> str:
        layers = [
            PageLayer(p.name, p.unit, p.step, p.limit, p.data * with_data, colours.get(p.name))
            for p in packed
        ]
        return page_html(layers, axes, opening, view.event.title)

    shrink(packed, view.settings.html_mb * 1e6 - len(html(with_data=False).encode()) - 1e4)
    text = html(with_data=True)
    write_text(path, text)
    steps = ", ".join(f"{p.name} {p.step:.3g} {p.unit}".strip() for p in packed)
    log.info("page of %.1f MB; values are kept in steps of: %s", len(text) / 1e6, steps)


def _ordered(layers: list[Packed], view: EventView) -> list[Packed]:
    """Put the ROI probability first, then the input of the network, then truth and charge."""
    inputs = view.input_layers

    def place(layer: Packed) -> tuple[int, int]:
        if layer.unit == "":
            return 0, 0
        if layer.name in inputs:
            return 1, inputs.index(layer.name)
        return (2, 0) if layer.name == "truth" or layer.name.startswith("charge of") else (3, 0)

    return sorted(layers, key=place)


def shrink(packed: list[Packed], most: float) -> None:
    """Double the step of the largest layer until all fit.

    Args:
        packed: the layers, which are changed.
        most: bytes for all of them.

    Raises:
        DisplayError: a step became larger than the values of its layer.
    """
    while sum(len(layer.data) for layer in packed) > most:
        widest = max(packed, key=lambda layer: len(layer.data))
        if widest.step > widest.limit:
            raise DisplayError(
                "display.html_mb: the page cannot be made that small; show fewer ticks, channels "
                "or layers (display.ticks, display.channels, display.panels), or allow more."
            )
        widest.pack(2 * widest.step)


def _layers(view: EventView) -> Iterator[Packed]:
    """Yield tags, truth and predictions in the part that is shown; only ``panels`` if set."""
    settings, asked = view.settings, view.settings.panels
    part = view.part_of(*view.limits)
    for tag, frame in view.tags.items():
        if asked is not None and tag not in asked:
            continue
        if tag in settings.adc_tags:
            yield Packed(tag, "ADC", above_median(frame)[part])
        elif tag in settings.mask_tags:
            yield Packed(tag, "inside", (frame[part] != 0).astype(np.float32))
        else:
            yield Packed(tag, "e/tick", frame[part])
    if view.event.truth is not None:
        yield Packed("truth", "e/tick", view.event.truth[part])
    for network, prediction in {
        prediction.network: prediction for prediction in view.predictions
    }.items():
        yield Packed(f"probability of {network}", "", prediction.probability[part])
    for prediction in view.predictions:
        if prediction.charge is not None:
            yield Packed(f"charge of {prediction.name}", "e/tick", prediction.charge[part])
