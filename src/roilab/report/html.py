"""From tables and pictures to one HTML file that needs no other."""

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
class Column:
    """A table's heading; numbers stand to the right."""

    name: str
    number: bool = False


@dataclass(frozen=True)
class Cell:
    """What stands in a table.

    Attributes:
        text: as it is read.
        value: what the column is sorted by, instead of the text; empty for what is missing.
        kind: classes of the style sheet.
        link: where it leads to.
    """

    text: str
    value: str | None = None
    kind: str = ""
    link: str | None = None


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first cell of every row is its heading."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Section:
    """Where a heading stands, for the list at the top of a page."""

    id: str
    name: str


def text_cell(value: Any) -> Cell:
    """Words; a dash for ``None``."""
    if value is None or value == "":
        return Cell(MISSING, value="", kind="long")
    return Cell(str(value), kind="long")


def number_cell(value: float | None, text: str = "{:.4g}") -> Cell:
    """A number, sorted by its value; a dash for ``None``."""
    if value is None:
        return Cell(MISSING, value="", kind="number")
    if not math.isfinite(value):
        return Cell(str(value).replace("nan", "NaN"), value="", kind="number")
    return Cell(text.format(value), value=repr(value), kind="number")


def time_cell(seconds: float | None) -> Cell:
    """A time as hours, minutes and seconds."""
    if seconds is None:
        return number_cell(None)
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
    return Cell(text if seconds >= 60 else f"{seconds:.1f} s", repr(seconds), "number")


def render(template: str, path: Path, **content: Any) -> None:
    """Write a page, whole or not at all.

    Args:
        template: its file's name in ``pages/``.
        path: of the page.
        content: what the template asks for.
    """
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
