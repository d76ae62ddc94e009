"""Console for the tables that commands print."""

import sys

from rich.console import Console

_WIDTH = 140  # characters, in a file or a pipe, where rich would use 80 and cut columns


def table_console() -> Console:
    """Return a console on standard output, as wide as the terminal or as the widest table."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH)
