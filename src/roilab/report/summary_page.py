"""Page of several runs: losses, maps over the swept settings, and a table of all runs."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from roilab.atomic_write import save_figure
from roilab.plots import heat_map_figure, sweep_loss_figure
from roilab.report.grid import QUANTITIES, cell_maps, loss_curves
from roilab.report.html import (
    HtmlCell,
    HtmlColumn,
    HtmlTable,
    number_cell,
    state_cell,
    text_cell,
    time_cell,
    write_page,
)
from roilab.report.pictures import Album, Picture, relative_link
from roilab.report.run_page import DPI, MAX_PICTURES, PAGE
from roilab.report.run_record import RunRecord
from roilab.report.swept_settings import SweptSettings, find_swept_settings, value_text
from roilab.verdict import Verdict

_REASONS = {  # of a state, where the run gives no error
    "interrupted": "It was stopped before its end.",
    "not started": "The sweep has not started it.",
    "running": "It is still running.",
    "unfinished": "Its log ends before the evaluation of the best checkpoint.",
}


def write_summary_page(runs: Sequence[RunRecord], folder: Path) -> Path:
    """Write ``report.html`` of one or more runs and, in ``report/``, its figures as PNG.

    The folder is made if absent. Returns the path of the page.
    """
    settings = find_swept_settings(runs)
    album = Album(folder, MAX_PICTURES)
    losses, maps = _losses(settings, album), _maps(settings, album)
    problems = [run for run in runs if run.state != "finished" or run.error]
    links = [_picture_links(run, settings, folder) for run in runs]
    sections = {"problems": "Not finished"} if problems else {}
    sections |= {"losses": "Losses"} | ({"maps": "Maps"} if maps else {})
    sections |= {"jobs": "Jobs", "pictures": "Pictures"}
    write_page(
        folder / PAGE,
        "summary.html.jinja",
        title=f"{folder.resolve().name}: {len(runs)} jobs",
        lead=_lead(runs, settings),
        sections=sections,
        problems=_problem_table(problems, settings) if problems else None,
        losses=losses,
        maps=maps,
        maps_title="Maps of " + " and ".join(settings.names[key] for key in settings.keys[:2]),
        jobs=_run_table(settings, folder),
        pictures=[entry for entry in links if entry["links"]],
    )
    return folder / PAGE


def _lead(runs: Sequence[RunRecord], settings: SweptSettings) -> str:
    states = Counter(run.state for run in runs)
    counts = ", ".join(f"{count} {state}" for state, count in states.items())
    keys = ", ".join(settings.keys)
    return f"{counts}. " + (f"They differ in {keys}." if keys else "No setting differs.")


def _losses(settings: SweptSettings, album: Album) -> Picture | None:
    curves = loss_curves(settings)
    if not any(run.train or run.val for run in curves):
        return None
    colour, style = settings.titles
    path = album.folder / "report" / "losses.png"
    save_figure(path, sweep_loss_figure(curves, colour, style), dpi=DPI)
    legend = f"Colour: {colour}" + (f"; line style: {style}." if style else ".")
    lowest = _lowest_loss(settings)
    alt = f"Training and validation loss against epoch, {len(curves)} runs, on a log axis.{lowest}"
    note = " Losses against different truth masks (rebin, threshold, padding) do not compare."
    return album.add(path, alt, legend + lowest + note)


def _lowest_loss(settings: SweptSettings) -> str:
    """Return a sentence on the lowest validation loss; empty without any."""
    losses = [(value, run) for run in settings.runs if (value := run.metric("loss")) is not None]
    finite = [pair for pair in losses if math.isfinite(pair[0])]
    if not finite:
        return ""
    value, run = min(finite, key=lambda pair: pair[0])
    return f" The lowest validation loss, {value:.4g}, is that of {settings.title(run)}."


def _maps(settings: SweptSettings, album: Album) -> Picture | None:
    if not settings.keys or len(settings.known_runs) < 2:
        return None
    maps, labels, most = cell_maps(settings)
    if not maps:
        return None
    first, second = settings.titles
    path = album.folder / "report" / "maps.png"
    save_figure(path, heat_map_figure(maps, (first, second), labels), dpi=DPI)
    shown = ", ".join(heat_map.title for heat_map in maps)
    over = f"over {first}" + (f" (down) and {second} (across)" if second else "")
    many = f" A cell with several jobs shows their mean (at most {most})." if most > 1 else ""
    caption = f"{shown[0].upper()}{shown[1:]}, {over}.{many} A dash: no value."
    alt = f"Heat maps of {shown} {over}; the numbers stand in the table of jobs."
    return album.add(path, alt, caption)


def _run_table(settings: SweptSettings, folder: Path) -> HtmlTable:
    names = [settings.names[key] for key in settings.keys]
    columns = [
        *(HtmlColumn(name) for name in ("job", "state", "verdict", *names)),
        *(HtmlColumn(name, number=True) for name in ("epochs", "best epoch", "mask threshold")),
        *(HtmlColumn(quantity.heading, number=True) for quantity in QUANTITIES),
        *(HtmlColumn(name, number=True) for name in ("time", "memory [MB]", "parameters")),
    ]
    rows = [_run_row(run, settings, folder) for run in settings.runs]
    caption = (
        "All jobs. Metrics are those of the best checkpoint on validation events, at its mask "
        "threshold; the training loss is that of the last epoch. Epochs count from 0. The "
        "inefficiency is the mean over all angles; the verdict compares the network with "
        "classical ROIs. A dash: not known. Click a heading to sort."
    )
    return HtmlTable(caption, columns, rows)


def _run_row(run: RunRecord, settings: SweptSettings, folder: Path) -> list[HtmlCell]:
    page = run.folder / PAGE
    has_page = page.is_file() and page.resolve() != (folder / PAGE).resolve()
    target = page if has_page else run.folder
    link = relative_link(target, folder) if run.folder.exists() else None
    return [
        HtmlCell(settings.run_name(run), link=link, kind="long"),
        state_cell(run.state),
        _verdict_cell(run.verdict),
        *(_value_cell(settings.value(run, key)) for key in settings.keys),
        number_cell(run.epochs),
        number_cell(run.best_epoch),
        number_cell(run.mask_thresh, "{:g}"),
        *(number_cell(quantity.value(run), quantity.form) for quantity in QUANTITIES),
        time_cell(run.status.get("seconds") or None),
        _memory_cell(run.results.get("memory_mb") or {}),
        number_cell(run.results.get("parameters"), "{:,}"),
    ]


def _value_cell(value: Any) -> HtmlCell:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return HtmlCell(value_text(value), value=repr(value))
    return text_cell(None if value is None else value_text(value))


def _verdict_cell(verdict: Verdict | None) -> HtmlCell:
    if verdict is None:
        return text_cell(None)
    return HtmlCell(verdict.kind.value, kind=verdict.colour)


def _memory_cell(memory: dict[str, float]) -> HtmlCell:
    if not memory:
        return number_cell(None)
    text = ", ".join(
        f"{value:.0f}" if place == "process" else f"{place} {value:.0f}"
        for place, value in memory.items()
    )
    return HtmlCell(text, repr(max(memory.values())), "number")


def _problem_table(runs: Sequence[RunRecord], settings: SweptSettings) -> HtmlTable:
    rows = [
        [
            HtmlCell(settings.run_name(run), kind="long"),
            state_cell(run.state),
            text_cell(run.error or _REASONS.get(run.state)),
        ]
        for run in runs
    ]
    columns = [HtmlColumn("job"), HtmlColumn("state"), HtmlColumn("why")]
    caption = "Jobs that have not finished, or whose files cannot be read."
    return HtmlTable(caption, columns, rows)


def _picture_links(run: RunRecord, settings: SweptSettings, folder: Path) -> dict[str, Any]:
    """Return links to a run's pictures: losses, events of the best checkpoint, physics."""
    paths = [
        *run.folder.glob("pictures/loss.png"),
        *sorted(run.folder.glob("pictures/*-by-roi-efficiency.png")),
        *sorted(run.folder.glob("pictures/*-best.png")),
        *sorted(run.folder.glob("physics/*.png")),
    ]
    links = [{"name": path.stem, "href": relative_link(path, folder)} for path in paths]
    return {"name": settings.run_name(run), "links": links}
