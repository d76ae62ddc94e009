"""``python -m roilab.dashboard FOLDER...``: the W&B charts of runs, read from their records."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from roilab.plain_command import run_command

if TYPE_CHECKING:
    from roilab.dashboard.charts import Chart
    from roilab.dashboard.records import WandbRun


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables of runs and charts, draw or save them if asked; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m roilab.dashboard", description=__doc__)
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="FOLDER", help="folder of a run or of a sweep"
    )
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="draw the charts into this folder"
    )
    parser.add_argument(
        "--save",
        metavar="ENTITY/PROJECT",
        help="save the charts as a workspace in W&B; needs an account and roilab[dashboard]",
    )
    options = parser.parse_args(arguments)

    def show() -> int:
        from roilab.dashboard.charts import list_charts
        from roilab.dashboard.records import find_records, read_records

        runs = [read_records(path) for path in find_records(options.folders)]
        print_tables(runs, list_charts(runs))
        if options.pictures is not None:
            from roilab.dashboard.pictures import save_pictures

            _print_lines(save_pictures(runs, options.pictures))
        if options.save is not None:
            from roilab.dashboard.workspace import save_workspace

            _print_lines([save_workspace(runs, options.save)])
        return 0

    return run_command(show)


def _print_lines(lines: Iterable[object]) -> None:
    """Print paths and addresses, one a line, never broken."""
    from roilab.console import text_console

    for line in lines:
        text_console().print(str(line))


def print_tables(runs: "Sequence[WandbRun]", charts: "Sequence[Chart]") -> None:
    """Print one line for every run, and one for every chart."""
    from rich.table import Table

    from roilab.console import table_console

    console = table_console()
    table = Table(title=f"{len(runs)} W&B runs", title_justify="left")
    for name in ("name", "group", "tags", "best dice", "verdict"):
        table.add_column(name)
    for run in runs:
        dice = run.summary.get("best/dice")
        table.add_row(
            *(run.name, run.group, ", ".join(run.tags)),
            *("" if dice is None else f"{dice:.3f}", str(run.summary.get("verdict", ""))),
        )
    console.print(table)
    table = Table(title=f"{len(charts)} charts", title_justify="left")
    for name in ("section", "chart", "kind", "epochs", "runs"):
        table.add_column(name)
    for chart in charts:
        epochs = ", ".join(f"{epoch:g}" for epoch in chart.epochs)
        table.add_row(chart.section, chart.title, chart.kind.value, epochs, str(chart.runs))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
