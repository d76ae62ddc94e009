"""Where entry points print tables."""

import sys

from rich.console import Console

_WIDTH = 140  # where the output is a file or a pipe: rich would take 80 and cut columns


def table_console() -> Console:
    """Standard output, as wide as the terminal, or wide enough for every table."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH)
