"""The table of costs as CSV, Markdown, figures and on the console."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from roilab.atomic_write import save_figure, write_csv, write_text
from roilab.console import number_with_errors, table_console
from roilab.plots import cost_figure
from roilab.types import Row

# Heading and column; the spread or the errors of a column, where it has them, are shown too.
_WHICH = {name: name for name in ("network", "rebin", "nchunks", "precision", "form")}
_COST = {"memory [MB]": "peak_mb", "time [s]": "seconds"}
_GPU = {"GPU [MB]": "gpu_peak_mb"}
_MASKS = {
    "mask_thresh": "mask_thresh",
    "ROI pixels": "roi_pixels",
    "bias [%]": "bias",
    "inefficiency [%]": "inefficiency",
}
_CHANGES = {
    "mask_thresh": "mask_thresh",
    "pixels": "{}_pixels",
    "clear": "{}_clear",
    "of pixels [%]": "{}_of_pixels",
    "of ROIs [%]": "{}_of_rois",
    "charge [%]": "{}_charge",
    "total charge [%]": "{}_total",
    "bias": "{}_bias",
    "inefficiency": "{}_inefficiency",
}
_REFERENCES = {"one_chunk": "nchunks=1", "plain": "the plain trace in float32 at nchunks=1"}
_DECIMALS = {"peak_mb": 0, "gpu_peak_mb": 0, "seconds": 2, "bias": 1, "inefficiency": 1}
_NO_MASKS = (
    "Networks of random weights: their masks mean nothing, so those columns are empty. Name "
    "trained networks with ckpt=[FILE]."
)


def save_costs(
    rows: Sequence[Row],
    runs: Mapping[str, Sequence[Mapping[str, Any]]],
    about: Mapping[str, Any],
    folder: Path,
) -> None:
    """Write ``table.csv``, ``runs.csv``, ``table.md`` and a figure of every network.

    Args:
        rows: of the table.
        runs: what every process of a cell answered, by the cell's name.
        about: ``machine``, ``shape`` (channels, ticks) and ``frames`` (names).
        folder: where to.
    """
    write_csv(folder / "table.csv", rows)
    answers = [
        {"cell": cell, "repeat": repeat, **run, "seconds": " ".join(map(str, run["seconds"]))}
        for cell, answered in runs.items()
        for repeat, run in enumerate(answered)
    ]
    write_csv(folder / "runs.csv", answers)
    write_text(folder / "table.md", markdown(rows, about))
    for name in dict.fromkeys(row["network"] for row in rows):
        own = _costs([row for row in rows if row["network"] == name])
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
        path = folder / "figures" / f"cost-{safe}.png"
        save_figure(path, cost_figure(own, f"{name}, {_size(about)}"), dpi=150)


def markdown(rows: Sequence[Row], about: Mapping[str, Any]) -> str:
    """The page ``table.md``: what was measured on, the tables, and memory against chunks."""
    parts = [f"{about['machine']}; image of {_size(about)}; {_repeats(rows)}."]
    if about["frames"]:
        parts.append(f"Frames: {', '.join(about['frames'])}.")
    parts.append(_table(_costs(rows), _WHICH | _cost_columns(rows)))
    judged = [row for row in rows if row.get("mask_thresh") is not None]
    if judged:
        parts += ["Masks and charge:", _table(judged, _WHICH | _MASKS)]
        for reference, what in _REFERENCES.items():
            columns = {head: name.format(reference) for head, name in _CHANGES.items()}
            # The reference itself differs in nothing.
            chosen = [row for row in judged if not row.get(f"{reference}_itself", True)]
            if chosen:
                parts += [f"What changed against {what}:", _table(chosen, _WHICH | columns)]
    else:
        parts.append(_NO_MASKS)
    parts += ["Peak memory [MB] against chunks and rebin:", _by_chunks(_costs(rows))]
    return "\n\n".join(parts) + "\n"


def show_costs(rows: Sequence[Row], about: Mapping[str, Any], folder: Path) -> None:
    """Print the table and where everything is."""
    columns = _WHICH | _cost_columns(rows)
    judged = any(row.get("mask_thresh") is not None for row in rows)
    if judged:
        columns |= {"mask_thresh": "mask_thresh", "bias [%]": "bias", "ineff. [%]": "inefficiency"}
        columns |= {"vs nchunks=1 [% of ROIs]": "one_chunk_of_rois"}
        columns |= {"vs plain [% of ROIs]": "plain_of_rois", "vs plain [% charge]": "plain_charge"}
    same = {name for name in _WHICH if len({row[name] for row in rows}) == 1}
    columns = {head: name for head, name in columns.items() if name not in same}
    given = [f"{name} {rows[0][name]}" for name in _WHICH if name in same]
    title = ", ".join([*given, _size(about)])
    table = Table(title=f"{title}\n{about['machine']}; {_repeats(rows)}", title_justify="left")
    for number, heading in enumerate(columns):
        table.add_column(escape(heading), justify="left" if number == 0 else "right")
    for line in _lines(rows if judged else _costs(rows), columns):
        table.add_row(*line)
    console = table_console()
    console.print(table)
    if not judged:
        console.print(_NO_MASKS, soft_wrap=True, highlight=False)
    console.print(f"tables and figures in {folder}", soft_wrap=True, highlight=False)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its first column to the left and the others to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, rule, *rows])


def _table(rows: Sequence[Row], columns: Mapping[str, str]) -> str:
    return markdown_table([*columns], _lines(rows, columns))


def _size(about: Mapping[str, Any]) -> str:
    channels, ticks = about["shape"]
    return f"{channels} channels x {ticks} ticks"


def _repeats(rows: Sequence[Row]) -> str:
    repeats = max(row["repeats"] for row in rows)
    return f"median (largest minus smallest) of {repeats} processes" if repeats > 1 else "one run"


def _costs(rows: Sequence[Row]) -> list[Row]:
    """One row a cell, whatever the number of mask thresholds."""
    keys = ("network", "rebin", "nchunks", "precision", "form")
    return list({tuple(row[key] for key in keys): row for row in rows}.values())


def _cost_columns(rows: Sequence[Row]) -> dict[str, str]:
    gpu = any(row["gpu_peak_mb"] is not None for row in rows)
    return _COST | _GPU if gpu else dict(_COST)


def _lines(rows: Sequence[Row], columns: Mapping[str, str]) -> list[list[str]]:
    return [[_cell(row, name) for name in columns.values()] for row in rows]


def _cell(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        return "failed" if name == "peak_mb" and row["failed"] else ""
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "-"
    if name == "mask_thresh":
        return f"{value:g}"
    decimals = _DECIMALS.get(name, 3)
    text = f"{value:,.{decimals}f}"
    spread = row.get(f"{name}_spread")
    if spread is not None and row["repeats"] > 1:
        return f"{text} ({spread:,.{decimals}f})"
    low, high = row.get(f"{name}_low", math.nan), row.get(f"{name}_high", math.nan)
    return number_with_errors(value, low, high, f",.{decimals}f")


def _by_chunks(rows: Sequence[Row]) -> str:
    """A line for every number of chunks, a column for every network, rebin, precision and form."""
    keys = ("network", "rebin", "precision", "form")
    columns = list(dict.fromkeys(tuple(row[key] for key in keys) for row in rows))
    peaks = {(row["nchunks"], *(row[key] for key in keys)): row for row in rows}
    same = [len({column[n] for column in columns}) == 1 for n in range(len(keys))]
    header = ["nchunks"]
    for network, rebin, precision, form in columns:
        parts = (network, f"rebin {rebin}", precision, form)
        # What all columns share stands in the tables above.
        told = [part for part, shared in zip(parts, same, strict=True) if not shared]
        header.append(", ".join(told) or network)
    lines = []
    for nchunks in sorted({row["nchunks"] for row in rows}):
        found = [peaks.get((nchunks, *column)) for column in columns]
        cells = ["" if row is None else _cell({**row, "repeats": 1}, "peak_mb") for row in found]
        lines.append([str(nchunks), *cells])
    return markdown_table(header, lines)
