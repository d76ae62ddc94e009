"""Page of one run: verdict, charge against angle, threshold, events, recipe, losses, export."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from roilab.errors import RoilabError
from roilab.event_image import read_event_image
from roilab.report.answers import answer_questions, verdict_colour, verdict_sentences
from roilab.report.commands import commands, deployment
from roilab.report.html import write_page
from roilab.report.pictures import Album, Picture, relative_link
from roilab.report.run_charts import (
    charge_curves,
    event_charts,
    loss_caption,
    loss_charts,
    threshold_chart,
)
from roilab.report.run_record import RunRecord, read_run
from roilab.report.run_tables import (
    export_table,
    metric_table,
    physics_table,
    settings_table,
    threshold_table,
    threshold_text,
)
from roilab.report.svg import Chart
from roilab.types import Row
from roilab.verdict import read_table

log = logging.getLogger(__name__)

PAGE = "report.html"
DPI = 110  # of figures that reports draw
MAX_PICTURES = 2_000_000  # bytes in a page
RANKED = "best_worst_events.csv"  # in pictures/: metrics of every validation image and its picture
_SECTIONS = {
    "physics": "Against gauss",
    "threshold": "Mask threshold",
    "deploy": "Deploy",
    "events": "Events",
    "recipe": "Recipe",
    "losses": "Losses",
    "export": "Export",
    "commands": "Commands",
}


@dataclass(frozen=True)
class Event:
    """An event of a page: title and metrics, and charts or, of older runs, one picture."""

    title: str
    caption: str
    charts: Sequence[Chart] = ()
    picture: Picture | None = None


def write_run_page(folder: Path) -> Path:
    """Write ``report.html`` into a run's folder, from the files there, and return its path.

    Files that cannot be read are left out and logged.
    """
    run = read_run(folder)
    if run.problem:
        log.warning("%s", run.problem)
    physics = physics_table(run)
    sections = {id: name for id, name in _SECTIONS.items() if physics or id != "physics"}
    verdict = run.verdict
    write_page(
        folder / PAGE,
        "run.html.jinja",
        title=f"Run {folder.resolve().name}",
        state=run.state,
        facts=_facts(run),
        error=run.error,
        verdict=verdict,
        colour=verdict_colour(verdict) if verdict else "",
        sentences=verdict_sentences(verdict) if verdict else [],
        answers=answer_questions(run, list(sections)),
        sections=sections,
        curves=charge_curves(run.physics),
        physics=physics,
        figures=_figure_links(run),
        threshold=threshold_text(run),
        threshold_chart=threshold_chart(run),
        scan=threshold_table(run),
        deployment=deployment(run),
        events=_events(run),
        settings=settings_table(run),
        yaml=yaml.safe_dump(run.config, sort_keys=False, allow_unicode=True) if run.config else "",
        losses=loss_charts(run),
        losses_caption=loss_caption(run),
        metrics=metric_table(run),
        exported=export_table(run),
        commands=commands(run),
    )
    return folder / PAGE


def try_write_run_page(folder: Path) -> None:
    """Write the page of a run; a failure is logged, so that it does not fail the run."""
    try:
        log.info("page on this run: %s", write_run_page(folder))
    except (RoilabError, OSError) as error:
        log.warning("%s: no %s could be written: %s", folder, PAGE, error)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # A file of the run has a content that no command writes.
        log.warning("%s: no %s could be written", folder, PAGE, exc_info=True)


def _facts(run: RunRecord) -> str:
    """Return epochs, time, memory and size, as far as known."""
    facts = []
    if run.epochs is not None:
        facts.append(f"{run.epochs} epochs")
    if run.best_epoch is not None:
        facts.append(f"best epoch {run.best_epoch}, counted from 0")
    if run.status.get("seconds"):
        facts.append(f"{run.status['seconds']:.0f} s")
    for place, megabytes in (run.results.get("memory_mb") or {}).items():
        facts.append(f"peak memory of the {place} {megabytes:.0f} MB")
    if left_out := run.results.get("left_out"):
        facts.append(f"left out because of errors: {', '.join(left_out)}")
    if run.results.get("parameters"):
        facts.append(f"{run.results['parameters'] / 1e6:.2f} million parameters")
    return ", ".join(facts)


def _events(run: RunRecord) -> list[Event]:
    """Return the best, median and worst event, or all event pictures of the best checkpoint."""
    folder, album = run.folder / "pictures", Album(run.folder, MAX_PICTURES)
    content = "Input layers, probability, and mask against truth, of"
    rows = _ranked(folder / RANKED)
    drawn = sorted((row for row in rows if row["picture"]), key=lambda row: row["rank"])
    events = []
    for row in drawn:
        efficiency, purity, dice = (row[k] for k in ("roi_efficiency", "roi_purity", "dice"))
        title = f"{row['rank'].capitalize()} event: {row['name']}"
        metrics = f"ROI efficiency {efficiency}, ROI purity {purity}, Dice {dice}"
        caption = f"{metrics}; {row['rank']} of {len(rows)} validation images by ROI efficiency."
        path, alt = folder / Path(row["picture"]).name, f"{content} {row['name']}: {metrics}."
        events.append(_event(path, Event(title, caption), f"event-{row['rank']}", alt, album))
    if not drawn:
        for path in sorted(folder.glob("*-best.png")):
            name = path.stem.removesuffix("-best")
            caption = f"{name}, by the best checkpoint."
            picture = album.add(path, f"{content} {name}.", caption)
            events.append(Event(name, caption, picture=picture))
    return [event for event in events if event.charts or event.picture]


def _event(path: Path, event: Event, name: str, alt: str, album: Album) -> Event:
    """Draw an event from its arrays, beside its picture; without these add the picture."""
    arrays = path.with_suffix(".npz")
    if arrays.is_file():
        try:
            charts = event_charts(read_event_image(arrays), name, event.title)
            return replace(event, charts=charts)
        except (OSError, ValueError) as error:
            log.warning("%s", error)
    return replace(event, picture=album.add(path, alt, event.caption))


def _ranked(path: Path) -> list[Row]:
    try:
        rows = read_table(path)
    except OSError:
        return []
    needed = {"rank", "picture", "name", "roi_efficiency", "roi_purity", "dice"}
    return rows if rows and needed <= set(rows[0]) else []


def _figure_links(run: RunRecord) -> dict[str, str]:
    """Return the addresses of the figures of all evaluations, by name."""
    parents = [table.parent for table in run.physics_tables]
    folders = [folder for parent in parents for folder in (parent, parent / "figures")]
    paths = [path for folder in folders for path in sorted(folder.glob("*.png"))]
    return {path.stem: relative_link(path, run.folder) for path in paths}
