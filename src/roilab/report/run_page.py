"""Page of one run: settings, losses, metrics, events, physics, export, next commands."""

import logging
import shlex
from pathlib import Path

import yaml

from roilab.atomic_write import save_figure
from roilab.errors import RoilabError
from roilab.plots import loss_figure
from roilab.report.html import write_page
from roilab.report.pictures import Album, Picture, relative_link
from roilab.report.run_record import RunRecord, read_run
from roilab.report.run_tables import (
    export_table,
    metric_table,
    physics_table,
    settings_table,
    threshold_table,
    threshold_text,
)
from roilab.types import Row
from roilab.verdict import read_table

log = logging.getLogger(__name__)

PAGE = "report.html"
DPI = 110  # of figures that reports draw
MAX_PICTURES = 4_000_000  # bytes in a page
RANKED = "best_worst_events.csv"  # in pictures/: metrics of every validation image and its picture


def write_run_page(folder: Path) -> Path:
    """Write ``report.html`` into a run's folder, from the files there, and return its path.

    Files that cannot be read are left out and logged.
    """
    run = read_run(folder)
    if run.problem:
        log.warning("%s", run.problem)
    album = Album(folder, MAX_PICTURES)
    losses, events = _losses(run, album), _events(run, album)
    figures, links = _physics_figures(run, album)
    physics = physics_table(run)
    names = ["Settings", "Losses", "Metrics", "Events", "Physics", "Export", "Commands"]
    write_page(
        folder / PAGE,
        "run.html.jinja",
        title=f"Run {folder.resolve().name}",
        state=run.state,
        facts=_facts(run),
        error=run.error,
        verdict=run.verdict,
        sections={name.lower(): name for name in names if physics or name != "Physics"},
        settings=settings_table(run),
        yaml=yaml.safe_dump(run.config, sort_keys=False, allow_unicode=True) if run.config else "",
        losses=losses,
        metrics=metric_table(run),
        threshold=threshold_text(run),
        scan=threshold_table(run),
        events=events,
        physics=physics,
        physics_figures=figures,
        physics_links=links,
        exported=export_table(run),
        commands=_commands(run),
    )
    return folder / PAGE


def try_write_run_page(folder: Path) -> None:
    """Write the page of a run; a failure is logged, so that it does not fail the run."""
    try:
        log.info("page on this run: %s", write_run_page(folder))
    except (RoilabError, OSError) as error:
        log.warning("%s: no %s could be written: %s", folder, PAGE, error)
    except Exception:
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


def _losses(run: RunRecord, album: Album) -> Picture | None:
    if not any(name.split("/")[0] in ("train", "val") for name in run.curves):
        return None
    path = run.folder / "pictures" / "loss.png"
    if not path.is_file():
        save_figure(path, loss_figure(run.curves), dpi=DPI)
    last = [
        f"{name} {points[-1][1]:.4g} in epoch {points[-1][0]}"
        for name in ("train/loss", "val/loss", "val/dice")
        if (points := run.curves.get(name))
    ]
    caption = "Losses and validation metrics against epoch. At the end: " + ", ".join(last) + "."
    return album.add(path, f"Curves against epoch: {', '.join(last)}.", caption)


def _events(run: RunRecord, album: Album) -> list[Picture]:
    """Return the best, median and worst event, or all event pictures of the best checkpoint."""
    folder = run.folder / "pictures"
    content = "Input layers, probability, and mask against truth, of"
    rows = _ranked(folder / RANKED)
    drawn = sorted((row for row in rows if row["picture"]), key=lambda row: row["rank"])
    pictures = []
    for row in drawn:
        efficiency, purity, dice = (row[k] for k in ("roi_efficiency", "roi_purity", "dice"))
        rank = f"{row['rank'].capitalize()} of {len(rows)} validation images by ROI efficiency"
        metrics = f"ROI efficiency {efficiency}, ROI purity {purity}, Dice {dice}"
        caption = f"{rank}: {row['name']}. {metrics}."
        alt = f"{content} {row['name']}: {metrics}."
        pictures.append(album.add(folder / Path(row["picture"]).name, alt, caption))
    if not drawn:
        for path in sorted(folder.glob("*-best.png")):
            name = path.stem.removesuffix("-best")
            caption = f"{name}, by the best checkpoint."
            pictures.append(album.add(path, f"{content} {name}.", caption))
    return [picture for picture in pictures if picture is not None]


def _ranked(path: Path) -> list[Row]:
    try:
        rows = read_table(path)
    except OSError:
        return []
    needed = {"rank", "picture", "name", "roi_efficiency", "roi_purity", "dice"}
    return rows if rows and needed <= set(rows[0]) else []


def _physics_figures(run: RunRecord, album: Album) -> tuple[list[Picture], list[str]]:
    """Return figures of the charge metrics, and links to figures without room in the page."""
    parents = [table.parent for table in run.physics_tables]
    folders = [folder for parent in parents for folder in (parent, parent / "figures")]
    pictures, links = [], []
    for path in (path for folder in folders for path in sorted(folder.glob("*.png"))):
        quantity, _, sample = path.stem.partition("-")
        name = quantity.replace("_", " ").replace("rois", "ROI and pixel efficiency and purity")
        title = f"{name.capitalize() if name[0].islower() else name} against angle, {sample}."
        alt = f"{title} The numbers stand in the table above."
        picture = album.add(path, alt, title)
        if picture is None:
            links.append(relative_link(path, run.folder))
        else:
            pictures.append(picture)
    return pictures, links


def _commands(run: RunRecord) -> dict[str, str]:
    """Return the command lines that a reader can copy, by their purpose."""
    folder = run.folder.resolve()
    commands = {}
    if run.checkpoint is not None:
        network = f"network={run.checkpoint.resolve()}"
        commands[
            "Evaluate the network on tracks and showers of known angle (sample: a folder with a "
            "meta.json); this page shows the result when it is written again"
        ] = ["evaluate", network, "sample=FOLDER", f"output_dir={folder / 'evaluation'}"]
        commands["Export the network again"] = ["export", network]
    if run.command:
        kept = [text for text in run.command if not text.startswith(("output_dir=", "resume="))]
        again = ["train", *kept, f"output_dir={folder}", "resume=auto"]
        commands["Continue from the last checkpoint"] = again
    commands["Write this page again"] = ["report", str(folder)]
    return {
        purpose: shlex.join(["python", "-m", f"roilab.{verb}", *arguments])
        for purpose, (verb, *arguments) in commands.items()
    }
