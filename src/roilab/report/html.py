"""Write tables and pictures as one HTML file that needs no other file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import roilab
from roilab.atomic_write import write_text

MISSING = "-"
_PAGES = Path(__file__).parent / "pages"


@dataclass(frozen=True)
class HtmlColumn:
    """Heading of a table's column; numbers are aligned to the right."""

    name: str
    number: bool = False


@dataclass(frozen=True)
class HtmlCell:
    """One cell of a table.

    Attributes:
        text: text that is shown.
        value: sort key instead of the text; empty for a missing value.
        kind: classes of the style sheet.
        link: address of a link.
    """

    text: str
    value: str | None = None
    kind: str = ""
    link: str | None = None


@dataclass(frozen=True)
class HtmlTable:
    """A table with a caption; the first cell of every row is its heading."""

    caption: str
    columns: Sequence[HtmlColumn]
    rows: Sequence[Sequence[HtmlCell]]


def text_cell(value: Any) -> HtmlCell:
    """Return a cell of words; a dash for ``None`` and for an empty text."""
    if value is None or value == "":
        return HtmlCell(MISSING, value="", kind="long")
    return HtmlCell(str(value), kind="long")


def number_cell(value: float | None, form: str = "{:.4g}") -> HtmlCell:
    """Return a cell of a number, sorted by its value; a dash for ``None``."""
    if value is None:
        return HtmlCell(MISSING, value="", kind="number")
    if not math.isfinite(value):
        return HtmlCell(str(value).replace("nan", "NaN"), value="", kind="number")
    return HtmlCell(form.format(value), value=repr(value), kind="number")


def state_cell(state: str) -> HtmlCell:
    """Return a cell of a run's state, in its colour."""
    return HtmlCell(state, kind=f"state {state.replace(' ', '-')}")


def time_cell(seconds: float | None) -> HtmlCell:
    """Return a cell of a time in hours, minutes and seconds."""
    if seconds is None:
        return number_cell(None)
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
    return HtmlCell(text if seconds >= 60 else f"{seconds:.1f} s", repr(seconds), "number")


def write_page(path: Path, template: str, **content: Any) -> None:
    """Fill a template, a file in ``pages/``, with its variables and write it as a page."""
    page = _environment().get_template(template).render(
        css=Markup((_PAGES / "style.css").read_text()),
        script=Markup((_PAGES / "page.js").read_text()),
        version=roilab.__version__,
        now=f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
        **content,
    )  # fmt: skip
    write_text(path, page)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
