"""One page on many runs: what was varied, and what came of it."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from roilab.plots import heat_map_figure, sweep_loss_figure
from roilab.report.grid import CELL_QUANTITIES, cell_maps, in_grid, loss_lines
from roilab.report.html import Cell, Column, Section, Table, number_cell, render, text_cell
from roilab.report.html import time_cell as time
from roilab.report.job import Job
from roilab.report.pictures import Album, Picture, relative_link, save_figure
from roilab.report.swept_settings import Varied, value_text, what_varies

PAGE = "report.html"
_WHY = {  # what a state means, where nothing else is known
    "interrupted": "It was stopped before its end.",
    "not started": "The sweep has not come to it.",
    "running": "It has not come to its end.",
    "unfinished": "Its log ends before the best checkpoint was judged.",
}
_ROOM = 4_000_000  # bytes of pictures in a page


def write_summary_page(jobs: Sequence[Job], folder: Path) -> Path:
    """Write ``report.html`` and, in ``report/``, its figures as PNG.

    Args:
        jobs: at least one.
        folder: where to; made if absent.

    Returns:
        The page.
    """
    varied = what_varies(jobs)
    album = Album(folder, _ROOM)
    losses, maps = _losses(varied, album), _maps(varied, album)
    problems = [job for job in jobs if job.state != "finished" or job.error]
    pictures = [each for job in jobs if (each := _pictures(job, varied, folder))["links"]]
    sections = [
        *([Section("problems", "Not finished")] if problems else []),
        Section("losses", "Losses"),
        *([Section("maps", "Maps")] if maps else []),
        Section("jobs", "Jobs"),
        Section("pictures", "Pictures"),
    ]
    render(
        "summary.html.jinja",
        folder / PAGE,
        title=f"{folder.resolve().name}: {len(jobs)} jobs",
        lead=_lead(jobs, varied),
        sections=sections,
        problems=_problem_table(problems, varied) if problems else None,
        losses=losses,
        maps=maps,
        maps_title="Maps of " + " and ".join(varied.labels[key] for key in varied.keys[:2]),
        jobs=_job_table(varied, folder),
        pictures=pictures,
    )
    return folder / PAGE


def _lead(jobs: Sequence[Job], varied: Varied) -> str:
    states = Counter(job.state for job in jobs)
    told = ", ".join(f"{count} {state}" for state, count in states.items())
    over = ", ".join(varied.keys)
    return f"{told}. " + (f"They differ in {over}." if over else "No setting differs.")


def _losses(varied: Varied, album: Album) -> Picture | None:
    lines = loss_lines(varied)
    if not any(line.train or line.val for line in lines):
        return None
    colour, style = varied.titles
    path = album.folder / "report" / "losses.png"
    save_figure(sweep_loss_figure(lines, colour, style), path)
    how = f"Colour: {colour}" + (f"; line style: {style}." if style else ".")
    lowest = _lowest(varied)
    alt = f"Training and validation loss against epoch, {len(lines)} runs, on a log axis.{lowest}"
    note = " Losses against different truth masks (rebin, threshold, padding) do not compare."
    return album.add(path, alt, how + lowest + note)


def _lowest(varied: Varied) -> str:
    """A sentence on the lowest validation loss, empty where there is none."""
    found = [(value, job) for job in varied.jobs if (value := job.metric("loss")) is not None]
    finite = [pair for pair in found if math.isfinite(pair[0])]
    if not finite:
        return ""
    value, job = min(finite, key=lambda pair: pair[0])
    return f" The lowest validation loss, {value:.4g}, is that of {varied.title(job)}."


def _maps(varied: Varied, album: Album) -> Picture | None:
    if not in_grid(varied):
        return None
    maps, labels, crowded = cell_maps(varied)
    if not maps:
        return None
    first, second = varied.titles
    path = album.folder / "report" / "maps.png"
    save_figure(heat_map_figure(maps, (first, second), labels), path)
    shown = ", ".join(each.title for each in maps)
    over = f"over {first}" + (f" (down) and {second} (across)" if second else "")
    many = f" A cell with several jobs shows their mean (at most {crowded})." if crowded > 1 else ""
    caption = f"{shown[0].upper()}{shown[1:]}, {over}.{many} A dash: no value."
    alt = f"Heat maps of {shown} {over}; the numbers stand in the table of jobs."
    return album.add(path, alt, caption)


def _job_table(varied: Varied, folder: Path) -> Table:
    names = [varied.labels[key] for key in varied.keys]
    columns = [
        *(Column("job"), Column("state"), *(Column(name) for name in names)),
        *(Column(name, number=True) for name in ("epochs", "best epoch")),
        *(Column(quantity.heading, number=True) for quantity in CELL_QUANTITIES),
        *(Column(name, number=True) for name in ("time", "memory [MB]", "parameters")),
    ]
    rows = [_job_row(job, varied, folder) for job in varied.jobs]
    caption = (
        "All jobs. Metrics are those of the best checkpoint on validation events, the training "
        "loss that of the last epoch; epochs count from 0. Inefficiency: mean over all angles "
        "judged. A dash: not known. A heading sorts."
    )
    return Table(caption, columns, rows)


def _job_row(job: Job, varied: Varied, folder: Path) -> list[Cell]:
    page = job.folder / PAGE
    own = page.is_file() and page.resolve() != (folder / PAGE).resolve()
    there = page if own else job.folder
    link = relative_link(there, folder) if job.folder.exists() else None
    memory = job.results.get("memory_mb") or {}
    return [
        Cell(varied.name(job), link=link, kind="long"),
        Cell(job.state, kind=f"state {job.state.replace(' ', '-')}"),
        *(_value_cell(varied.value(job, key)) for key in varied.keys),
        number_cell(job.epochs),
        number_cell(job.best_epoch),
        *(number_cell(quantity.of(job), quantity.text) for quantity in CELL_QUANTITIES),
        time(job.status.get("seconds") or None),
        _memory_cell(memory),
        number_cell(job.results.get("parameters"), "{:,}"),
    ]


def _value_cell(value: Any) -> Cell:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Cell(value_text(value), value=repr(value))
    return text_cell(None if value is None else value_text(value))


def _memory_cell(memory: dict[str, float]) -> Cell:
    if not memory:
        return number_cell(None)
    text = ", ".join(
        f"{value:.0f}" if place == "process" else f"{place} {value:.0f}"
        for place, value in memory.items()
    )
    return Cell(text, repr(max(memory.values())), "number")


def _problem_table(jobs: Sequence[Job], varied: Varied) -> Table:
    rows = [
        [
            Cell(varied.name(job), kind="long"),
            Cell(job.state, kind=f"state {job.state.replace(' ', '-')}"),
            text_cell(job.error or _WHY.get(job.state)),
        ]
        for job in jobs
    ]
    columns = [Column("job"), Column("state"), Column("why")]
    return Table("Jobs that have not finished, or whose files cannot be read.", columns, rows)


def _pictures(job: Job, varied: Varied, folder: Path) -> dict[str, Any]:
    """The pictures of a run as links: losses, events of the best checkpoint, physics."""
    found = [
        *job.folder.glob("pictures/loss.png"),
        *sorted(job.folder.glob("pictures/*-by-roi-efficiency.png")),
        *sorted(job.folder.glob("pictures/*-best.png")),
        *sorted(job.folder.glob("physics/*.png")),
    ]
    links = [{"name": path.stem, "href": relative_link(path, folder)} for path in found]
    return {"name": varied.name(job), "links": links}
