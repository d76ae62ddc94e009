"""``python -m roilab.networks``: list the reference networks; store a run as one."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from roilab.console import print_verdict, table_console, text_console
from roilab.plain_command import run_command
from roilab.reference_networks import FOLDER


def main(arguments: Sequence[str] | None = None) -> int:
    """List or store networks; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m roilab.networks", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    store = commands.add_parser(
        "store", help="store the best checkpoint of a run as a reference network"
    )
    store.add_argument("run", metavar="RUN", help="folder of a run, or a checkpoint in it")
    store.add_argument("name", metavar="NAME", help="of the network, such as pdhd")
    store.add_argument(
        "--output",
        type=Path,
        default=FOLDER,
        metavar="FOLDER",
        help="where to write (default: the package, whose networks every command takes by name)",
    )
    store.add_argument(
        "--overwrite", action="store_true", help="replace a network of the same name"
    )
    options = parser.parse_args(arguments)
    if options.command is None:
        return run_command(_list)
    logging.basicConfig(format="%(levelname)s %(message)s")
    return run_command(lambda: _store(options))


def _list() -> int:
    """Print the table; an incomplete network is named, and makes the exit code 1."""
    from roilab.networks.table import list_networks

    console, (rows, problems) = table_console(), list_networks()
    if not rows and not problems:
        console.print("There is no reference network; roilab networks store RUN NAME makes one.")
    if rows:
        table = Table(title="network=NAME in every command", title_justify="left")
        for heading in rows[0]:
            table.add_column(
                heading, justify="left" if isinstance(rows[0][heading], str) else "right"
            )
        for row in rows:
            table.add_row(*(_text(value) for value in row.values()))
        console.print(table)
    for problem in problems:
        console.print(problem, soft_wrap=True, highlight=False)
    return 1 if problems else 0


def _text(value: str | int | float) -> str:
    return (
        f"{value:,}"
        if isinstance(value, int)
        else f"{value:g}"
        if isinstance(value, float)
        else value
    )


def _store(options: argparse.Namespace) -> int:
    from roilab.networks.store import store_network

    stored = store_network(options.run, options.name, options.output, overwrite=options.overwrite)
    for line in stored.lines:
        text_console().print(line)
    print_verdict(table_console(), str(stored.verdict), stored.verdict.colour)
    return 0


if __name__ == "__main__":
    sys.exit(main())
