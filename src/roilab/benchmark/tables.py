"""Write the table of costs as CSV, Markdown and figures, and print it."""

import math
from collections.abc import Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import Any

from rich.table import Table

from roilab.atomic_write import save_figure, write_csv, write_text
from roilab.console import number_with_errors, table_console
from roilab.plots import cost_figure
from roilab.types import Row

# Heading and column. Columns "_spread", "_low" and "_high" are added to the value of their column.
_CELL = {name: name for name in ("network", "rebin", "nchunks", "precision", "variant")}
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
    "Networks with random weights: their masks have no meaning, so those columns are empty. Name "
    "trained networks by network=[FILE]."
)


def save_costs(
    rows: Sequence[Row],
    runs: Mapping[str, Sequence[Mapping[str, Any]]],
    header: Mapping[str, Any],
    output_dir: Path,
) -> None:
    """Write ``table.csv``, ``runs.csv``, ``table.md`` and a figure of every network.

    Args:
        rows: one per cell and mask threshold.
        runs: results of the processes, by the cell's name.
        header: ``machine``, ``shape`` (channels, ticks) and ``frames`` (names of the images).
        output_dir: where to write.
    """
    write_csv(output_dir / "table.csv", rows)
    run_rows = [
        {"cell": cell, "repeat": repeat, **run, "seconds": " ".join(map(str, run["seconds"]))}
        for cell, results in runs.items()
        for repeat, run in enumerate(results)
    ]
    write_csv(output_dir / "runs.csv", run_rows)
    write_text(output_dir / "table.md", format_markdown(rows, header))
    for name in dict.fromkeys(row["network"] for row in rows):
        costs = _unique_cells([row for row in rows if row["network"] == name])
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
        path = output_dir / "figures" / f"cost-{safe}.png"
        save_figure(path, cost_figure(costs, f"{name}, {_size(header)}"), dpi=150)


def format_markdown(rows: Sequence[Row], header: Mapping[str, Any]) -> str:
    """Return the page ``table.md``: header, tables, and memory against chunks."""
    parts = [f"{header['machine']}; image of {_size(header)}; {_repeats(rows)}."]
    if header["frames"]:
        parts.append(f"Frames: {', '.join(header['frames'])}.")
    parts.append(_table(_unique_cells(rows), _CELL | _cost_columns(rows)))
    with_masks = [row for row in rows if row.get("mask_thresh") is not None]
    if with_masks:
        parts += ["Masks and charge:", _table(with_masks, _CELL | _MASKS)]
        for reference, description in _REFERENCES.items():
            columns = {head: name.format(reference) for head, name in _CHANGES.items()}
            others = [row for row in with_masks if not row.get(f"{reference}_itself", True)]
            if others:
                parts += [f"Changes from {description}:", _table(others, _CELL | columns)]
    else:
        parts.append(_NO_MASKS)
    parts += ["Peak memory [MB] against chunks and rebin:", _by_chunks(_unique_cells(rows))]
    return "\n\n".join(parts) + "\n"


def show_costs(rows: Sequence[Row], header: Mapping[str, Any], output_dir: Path) -> None:
    """Print the table and the folder of the files."""
    columns = _CELL | _cost_columns(rows)
    has_masks = any(row.get("mask_thresh") is not None for row in rows)
    if has_masks:
        columns |= {"mask_thresh": "mask_thresh", "bias [%]": "bias", "ineff. [%]": "inefficiency"}
        columns |= {"vs nchunks=1 [% of ROIs]": "one_chunk_of_rois"}
        columns |= {"vs plain [% of ROIs]": "plain_of_rois", "vs plain [% charge]": "plain_charge"}
    same = {name for name in _CELL if len({row[name] for row in rows}) == 1}
    columns = {head: name for head, name in columns.items() if name not in same}
    shared = [f"{name} {rows[0][name]}" for name in _CELL if name in same]
    title = ", ".join([*shared, _size(header)])
    title += f"\n{header['machine']}; {_repeats(rows)}"
    lines = _lines(rows if has_masks else _unique_cells(rows), columns)
    console = table_console()
    console.print(text_table(title, [*columns], lines))
    if not has_masks:
        console.print(_NO_MASKS, soft_wrap=True, highlight=False)
    console.print(f"tables and figures in {output_dir}", soft_wrap=True, highlight=False)


def text_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a table for the console, aligned as ``markdown_table``."""
    table = Table(title=title, title_justify="left")
    for number, heading in enumerate(header):
        table.add_column(heading, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is aligned to the left, others to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, rule, *rows])


def _table(rows: Sequence[Row], columns: Mapping[str, str]) -> str:
    return markdown_table([*columns], _lines(rows, columns))


def _size(header: Mapping[str, Any]) -> str:
    channels, ticks = header["shape"]
    return f"{channels} channels x {ticks} ticks"


def _repeats(rows: Sequence[Row]) -> str:
    repeats = max(row["repeats"] for row in rows)
    return f"median (largest minus smallest) of {repeats} processes" if repeats > 1 else "one run"


def _unique_cells(rows: Sequence[Row]) -> list[Row]:
    """Return one row per cell, without its further mask thresholds."""
    return list({tuple(row[key] for key in _CELL): row for row in rows}.values())


def _cost_columns(rows: Sequence[Row]) -> dict[str, str]:
    gpu = any(row["gpu_peak_mb"] is not None for row in rows)
    return _COST | _GPU if gpu else dict(_COST)


def _lines(rows: Sequence[Row], columns: Mapping[str, str]) -> list[list[str]]:
    return [[_format_cell(row, name) for name in columns.values()] for row in rows]


def _format_cell(row: Row, name: str) -> str:
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
    """Return a table with a line per number of chunks and a column per other setting."""
    peaks: dict[tuple[str, ...], dict[int, str]] = {}
    for row in rows:
        column = (row["network"], f"rebin {row['rebin']}", row["precision"], row["variant"])
        peak = _format_cell({**row, "repeats": 1}, "peak_mb")
        peaks.setdefault(column, {})[row["nchunks"]] = peak
    # A setting that all columns share is in the tables above.
    different = [len(set(values)) > 1 for values in zip(*peaks, strict=True)]
    names = [", ".join(compress(column, different)) or column[0] for column in peaks]
    lines = [
        [str(nchunks), *(column.get(nchunks, "") for column in peaks.values())]
        for nchunks in sorted({row["nchunks"] for row in rows})
    ]
    return markdown_table(["nchunks", *names], lines)
