"""Page of several runs: losses, which run to take, maps, costs, and a table of all runs."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from roilab.atomic_write import save_figure
from roilab.plots import heat_map_figure, sweep_loss_figure, sweep_loss_panels
from roilab.report.answers import verdict_colour
from roilab.report.choice import choose_run
from roilab.report.differences import difference_table
from roilab.report.grid import QUANTITIES, cell_maps, loss_curves
from roilab.report.heat_tables import HeatTable, heat_table
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
from roilab.report.pareto import pareto_charts
from roilab.report.pictures import relative_link
from roilab.report.run_page import DPI, PAGE
from roilab.report.run_record import RunRecord
from roilab.report.svg import Chart, draw_chart
from roilab.report.swept_settings import SweptSettings, find_swept_settings, value_text
from roilab.verdict import Kind, Verdict

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
    choice = choose_run(runs, settings.title)
    losses, (maps, maps_note) = _losses(settings, folder), _maps(settings, folder)
    problems = [run for run in runs if run.state != "finished" or run.error]
    links = [_picture_links(run, settings, folder) for run in runs]
    costs = pareto_charts(settings, folder / "report")
    differences = difference_table(runs, {settings.run_name(run): run for run in runs})
    found = {"losses": True, "maps": maps, "costs": costs, "jobs": True}
    found |= {"differences": differences, "problems": problems, "pictures": True}
    names = {"losses": "Losses", "maps": "Maps", "costs": "Time and memory", "jobs": "Jobs"}
    names |= {"differences": "Settings that differ", "problems": "Not finished"}
    names |= {"pictures": "Pictures"}
    write_page(
        folder / PAGE,
        "summary.html.jinja",
        title=f"{folder.resolve().name}: {len(runs)} jobs",
        lead=_lead(runs, settings),
        choice=choice,
        chosen_link=_run_link(choice.run, folder) if choice.run else None,
        sections={key: name for key, name in names.items() if found[key]},
        problems=_problem_table(problems, settings) if problems else None,
        losses=losses,
        losses_note=_losses_note(settings),
        maps=maps,
        maps_note=maps_note,
        maps_title="Maps of " + " and ".join(settings.names[key] for key in settings.keys[:2]),
        costs=costs,
        jobs=_run_table(settings, folder),
        differences=differences,
        pictures=[entry for entry in links if entry["links"]],
    )
    return folder / PAGE


def _lead(runs: Sequence[RunRecord], settings: SweptSettings) -> str:
    states = Counter(run.state for run in runs)
    counts = ", ".join(f"{count} {state}" for state, count in states.items())
    keys = ", ".join(settings.keys)
    text = f"{counts}. " + (f"They differ in {keys}." if keys else "No setting differs.")
    verdicts = [run.verdict for run in runs]
    without = sum(verdict is not None and verdict.kind is Kind.NO_SAMPLE for verdict in verdicts)
    if without:
        who = "none" if without == len(runs) else f"{without} of {len(runs)} not"
        text += f" Evaluated on a sample of known angle: {who}, so their charge error is not known."
    return text


def _losses(settings: SweptSettings, folder: Path) -> list[Chart]:
    curves = loss_curves(settings)
    if not any(run.train or run.val for run in curves):
        return []
    colour, style = settings.titles
    figure = sweep_loss_figure(curves, colour, style)
    save_figure(folder / "report" / "losses.png", figure, dpi=DPI)
    return [
        draw_chart(draw, f"losses{n}", f"{what} against epoch, {len(curves)} runs, on a log axis")
        for n, (what, draw) in enumerate(sweep_loss_panels(curves, colour, style).items())
    ]


def _losses_note(settings: SweptSettings) -> str:
    """Return what colours and lines mean, and the lowest validation loss, in sentences."""
    colour, style = settings.titles
    text = f"Colour: {colour}" + (f"; line style: {style}." if style else ".")
    losses = [(value, run) for run in settings.runs if (value := run.metric("loss")) is not None]
    finite = [pair for pair in losses if math.isfinite(pair[0])]
    if finite:
        value, run = min(finite, key=lambda pair: pair[0])
        text += f" The lowest validation loss, {value:.4g}, is that of {settings.title(run)}."
    return (
        text + " Losses against different truth masks (rebin, threshold, padding) do not compare."
    )


def _maps(settings: SweptSettings, folder: Path) -> tuple[list[HeatTable], str]:
    if not settings.keys or len(settings.known_runs) < 2:
        return [], ""
    maps, labels, most = cell_maps(settings)
    if not maps:
        return [], ""
    names = settings.titles
    save_figure(folder / "report" / "maps.png", heat_map_figure(maps, names, labels), dpi=DPI)
    note = (
        "Bright is good, in every map; the best value is bold. Colours span at least 10 % of the "
        "largest value, so that small differences look small. A dash: no value."
    )
    many = f" A cell with several jobs shows their mean (at most {most})." if most > 1 else ""
    return [heat_table(each, names, labels) for each in maps], note + many


def _run_table(settings: SweptSettings, folder: Path) -> HtmlTable:
    names = [settings.names[key] for key in settings.keys]
    states = {run.state for run in settings.runs} != {"finished"}
    columns = [
        *(HtmlColumn(name) for name in ("job", *(["state"] if states else []), "verdict", *names)),
        *(HtmlColumn(quantity.heading, number=True) for quantity in QUANTITIES),
        *(HtmlColumn(name, number=True) for name in ("mask thresh", "epochs", "best", "time")),
        *(HtmlColumn(name, number=True) for name in ("memory [MB]", "parameters [M]")),
    ]
    rows = [_run_row(run, settings, folder, states) for run in settings.runs]
    caption = (
        "All jobs. Metrics are those of the best checkpoint on validation events, at its mask "
        "threshold; the training loss is that of the last epoch. Epochs count from 0; best: the "
        "epoch of the best checkpoint. Charge error (mean size of the bias) and inefficiency are "
        "means over all angles; the verdict compares the network with classical ROIs. A dash: not "
        "known. Click a heading to sort."
    )
    return HtmlTable(caption, columns, rows)


def _run_link(run: RunRecord, folder: Path) -> str | None:
    """Return the address of the page of a run, or of its folder."""
    page = run.folder / PAGE
    has_page = page.is_file() and page.resolve() != (folder / PAGE).resolve()
    return relative_link(page if has_page else run.folder, folder) if run.folder.exists() else None


def _run_row(run: RunRecord, settings: SweptSettings, folder: Path, states: bool) -> list[HtmlCell]:
    return [
        HtmlCell(settings.run_name(run), link=_run_link(run, folder), kind="long"),
        *([state_cell(run.state)] if states else []),
        _verdict_cell(run.verdict),
        *(_value_cell(settings.value(run, key)) for key in settings.keys),
        *(number_cell(quantity.value(run), quantity.form) for quantity in QUANTITIES),
        number_cell(run.mask_thresh, "{:g}"),
        number_cell(run.epochs),
        number_cell(run.best_epoch),
        time_cell(run.status.get("seconds") or None),
        _memory_cell(run.results.get("memory_mb") or {}),
        _parameters_cell(run.results.get("parameters")),
    ]


def _parameters_cell(count: int | None) -> HtmlCell:
    return number_cell(None if count is None else count / 1e6, "{:.3g}")


def _value_cell(value: Any) -> HtmlCell:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return HtmlCell(value_text(value), value=repr(value))
    return text_cell(None if value is None else value_text(value))


def _verdict_cell(verdict: Verdict | None) -> HtmlCell:
    if verdict is None:
        return text_cell(None)
    return HtmlCell(verdict.kind.value, kind=verdict_colour(verdict))


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
