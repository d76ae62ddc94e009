"""Figures inside a page as SVG, in the colours and with the font of the page.

Colours of the figures become variables of the style sheet, so that a figure is light or dark with
the page.
"""

import base64
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from roilab.plots.style import COLOURS

_DPI = 110  # of images inside a figure
_QUALITY = 80  # of WebP
_INK = "#101112"  # stands for the colour of text; no figure uses it for anything else
_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor"), _INK),
    **dict.fromkeys(("xtick.color", "ytick.color"), _INK),
    **dict.fromkeys(("axes.facecolor", "figure.facecolor"), "none"),
}
# Variables of pages/style.css; the last of the colours is black.
_NAMES = ("blue", "vermilion", "green", "purple", "orange", "sky", "text")
_VARIABLES = {
    _INK: "var(--text)",
    "#ffffff": "var(--back)",  # behind legends
    "#4d4d4d": "var(--soft)",
    **{colour.lower(): f"var(--{name})" for colour, name in zip(COLOURS, _NAMES, strict=True)},
}


@dataclass(frozen=True)
class Chart:
    """A figure inside a page.

    Attributes:
        markup: of the SVG.
        alt: what it shows, in words.
        caption: below it; may be empty.
    """

    markup: Markup
    alt: str
    caption: str = ""


def draw_chart(draw: Callable[[], Figure], name: str, alt: str, caption: str = "") -> Chart:
    """Draw a figure for a page.

    Args:
        draw: makes the figure.
        name: of letters, digits and hyphens, different from those of other charts of the page.
        alt: see ``Chart``.
        caption: see ``Chart``.
    """
    with matplotlib.rc_context(_STYLE):
        figure, stream = draw(), io.StringIO()
        figure.savefig(stream, format="svg", dpi=_DPI, transparent=True, metadata={"Date": None})
    return Chart(Markup(_inline(stream.getvalue(), name)), alt, caption)


def _inline(text: str, name: str) -> str:
    """Return the SVG of matplotlib as an element of a page."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<(metadata|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(
        r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>", r'<svg \1 aria-hidden="true">', text, count=1
    )
    text = re.sub(r'<g id="(?:[a-zA-Z]+_)+\d+">', "<g>", text)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text)
    text = re.sub(r"font: [^\"]*?([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r"#[0-9a-f]{6}\b", lambda found: _VARIABLES.get(found[0], found[0]), text)
    return re.sub(
        r"data:image/png;base64,([\s\w+/=]+)", lambda found: _packed(found[1]), text
    ).strip()


def _packed(content: str) -> str:
    """Return a PNG in base 64 as the address of a WebP picture, which is smaller."""
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        stream = io.BytesIO()
        image.convert("RGBA").save(stream, "webp", quality=_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"
