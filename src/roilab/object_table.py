"""How objects of the public API show themselves: a line of text, or a table in a notebook."""

from collections.abc import Mapping
from html import escape

Facts = Mapping[str, object]


def object_text(shown: object, facts: Facts) -> str:
    """Return ``Class(name: value, ...)``."""
    return f"{type(shown).__name__}({', '.join(f'{k}: {v}' for k, v in facts.items())})"


def object_html(shown: object, facts: Facts) -> str:
    """Return a table of two columns, name and value, as HTML."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(str(name))}</th>'
        f'<td style="text-align:left">{escape(str(value))}</td></tr>'
        for name, value in facts.items()
    )
    return f"<table><caption>{escape(type(shown).__name__)}</caption>{rows}</table>"
