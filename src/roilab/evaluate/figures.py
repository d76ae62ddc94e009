"""Figures of an evaluation, one file each."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from roilab.atomic_write import save_figure
from roilab.plots import CHARGE, charge_figure, padding_figure, roi_figure, scan_figure
from roilab.types import Row


def save_figures(
    tables: Mapping[str, Sequence[Row]], mask_thresh: float, network: str, folder: Path
) -> list[Path]:
    """Draw all figures of an evaluation, for every sample, plane and energy.

    Args:
        tables: rows by ``table``, ``scan``, ``study`` and ``validation``.
        mask_thresh: mask threshold of the network.
        network: name of the network; empty without a network.
        folder: where the figures are written.

    Returns:
        The files, in the order of drawing.
    """
    files = []
    for name, figure in _figures(tables, mask_thresh, network):
        path = folder / f"{name}.png"
        save_figure(path, figure, dpi=110)
        files.append(path)
    return files


def _figures(
    tables: Mapping[str, Sequence[Row]], mask_thresh: float, network: str
) -> Iterator[tuple[str, Figure]]:
    for name, title, rows in _groups(tables["table"]):
        full = f"{network} on {title}" if network else title
        for quantity in CHARGE:
            if not all(math.isnan(row[quantity]) for row in rows):
                yield f"{quantity}-{name}", charge_figure(rows, quantity, full)
        yield f"rois-{name}", roi_figure(rows, full)
    for name, title, rows in _groups(tables.get("scan", ())):
        validation = tables.get("validation", ())
        full = f"{network} on {title}"
        yield f"scan-{name}", scan_figure(rows, validation, mask_thresh, full)
    for name, title, rows in _groups(tables.get("study", ())):
        yield f"padding-{name}", padding_figure(rows, f"padding of the truth mask, {title}")


def _groups(rows: Sequence[Row]) -> Iterator[tuple[str, str, list[Row]]]:
    """Yield name of the file, title, and rows of every sample, plane and energy."""
    keys = dict.fromkeys((row["sample"], row["plane"], row["energy"]) for row in rows)
    for sample, plane, energy in keys:
        chosen = [
            row
            for row in rows
            if (row["sample"], row["plane"], row["energy"]) == (sample, plane, energy)
        ]
        title = f"{sample}, plane {plane}" + (f", {energy:g} MeV" if energy is not None else "")
        yield f"{sample}-{plane}" + (f"-{energy:g}MeV" if energy is not None else ""), title, chosen
