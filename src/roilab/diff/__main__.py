"""``python -m roilab.diff RUN RUN``: differences of two runs."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from roilab.console import table_console
from roilab.diff.compare import Comparison, Line, compare_runs
from roilab.diff.find import find_run
from roilab.plain_command import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the differences of two runs; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m roilab.diff", description=__doc__)
    parser.add_argument(
        "runs", nargs=2, type=Path, metavar="RUN", help="folder of a run, or of a job of a sweep"
    )
    options = parser.parse_args(arguments)

    def compare() -> int:
        one, two = (find_run(path) for path in options.runs)
        _show(table_console(), compare_runs(one, two), one.folder, two.folder)
        return 0

    return run_command(compare)


def _show(console: Console, found: Comparison, one: Path, two: Path) -> None:
    console.print(f"1: {one}\n2: {two}", highlight=False, soft_wrap=True)
    subjects = ", ".join(found.differences)
    if found.equal:
        console.print(f"no difference: {subjects} are the same")
    tables = {**found.differences, "places": found.places, "time and memory": found.costs}
    for title, lines in tables.items():
        if lines:
            console.print(_table(title, lines))
    for number, verdict in enumerate(found.verdicts, 1):
        console.print(f"verdict {number}: {verdict}", highlight=False, soft_wrap=True)
    for problem in found.problems:
        console.print(f"not compared: {problem}", highlight=False, soft_wrap=True)


def _table(title: str, lines: Sequence[Line]) -> Table:
    table = Table(title=title, title_justify="left")
    changes = any(line.change for line in lines)
    for heading in ("", "1", "2", *(["2 - 1"] if changes else [])):
        table.add_column(heading, overflow="fold")
    for line in lines:
        cells = (line.name, line.one, line.two, *([line.change] if changes else []))
        table.add_row(*cells)
    return table


if __name__ == "__main__":
    sys.exit(main())
