"""Output of entry points: consoles for tables and lines, and numbers with their errors.

Consoles print texts as they are: rich would take the unit in ``time [s]``, and names in brackets
in paths, for the name of a style, and print nothing.
"""

import math
import sys
from typing import TextIO

from rich.console import Console
from rich.text import Text

_WIDTH = 140  # for a file or a pipe, where rich would take 80 and cut columns


def table_console() -> Console:
    """Return a console on standard output, wide enough for tables in files and pipes too."""
    width = None if sys.stdout.isatty() else _WIDTH
    return Console(width=width, markup=False, emoji=False)


def text_console(file: TextIO | None = None) -> Console:
    """Return a console for lines of text, which it does not wrap; by default standard output."""
    return Console(file=file, soft_wrap=True, highlight=False, markup=False, emoji=False)


def print_verdict(console: Console, text: str, colour: str) -> None:
    """Print a verdict in its colour, in one line; an empty colour is that of the terminal."""
    console.print(Text(f"verdict    {text}", colour), soft_wrap=True)


def number_with_errors(value: float, low: float, high: float, form: str = ".1f") -> str:
    """Format a number with its errors: ``-1.2 ± 0.3``, or ``0.0 -0.0 +1.2`` where they differ.

    ``low`` and ``high`` are its bounds, NaN without errors; ``form`` is the format of all numbers.
    """
    if math.isnan(low) or math.isnan(high):
        return format(value, form)
    below, above = format(value - low, form), format(high - value, form)
    errors = f"± {above}" if below == above else f"-{below} +{above}"
    return f"{value:{form}} {errors}"


def number_or_dash(value: float, form: str) -> str:
    """Format a number; a dash stands for NaN, where there is none."""
    return "-" if math.isnan(value) else format(value, form)
