"""One page on one run: recipe, losses, metrics, events, physics, export, and how to go on."""

import csv
import logging
import shlex
from pathlib import Path

from omegaconf import OmegaConf

from roilab.plots import loss_figure
from roilab.report.html import Section, render
from roilab.report.job import Job, read_job
from roilab.report.pictures import Album, Picture, relative_link, save_figure
from roilab.report.run_tables import (
    Command,
    export_table,
    metric_table,
    physics_table,
    recipe_table,
)
from roilab.report.summary_page import PAGE

log = logging.getLogger(__name__)

RANKED = "ranked.csv"  # in pictures/: what each event picture shows
_ROOM = 4_000_000  # bytes of pictures in a page


def write_run_page(folder: Path) -> Path:
    """Write ``report.html`` into a run's folder, from what lies there.

    Returns:
        The page.
    """
    job = read_job(folder)
    album = Album(folder, _ROOM)
    losses, events = _losses(job, album), _events(job, album)
    figures, left_out = _physics(job, album)
    physics = physics_table(job)
    names = ["Recipe", "Losses", "Metrics", "Events", "Physics", "Export"]
    sections = [Section(name.lower(), name) for name in names if physics or name != "Physics"]
    render(
        "run.html.jinja",
        folder / PAGE,
        title=f"Run {folder.resolve().name}",
        state=job.state,
        facts=_facts(job),
        error=job.error,
        sections=[*sections, Section("commands", "Go on")],
        recipe=recipe_table(job),
        yaml=OmegaConf.to_yaml(job.config) if job.config else "",
        losses=losses,
        metrics=metric_table(job),
        events=events,
        physics=physics,
        physics_figures=figures,
        physics_links=left_out,
        exported=export_table(job),
        commands=_commands(job),
    )
    return folder / PAGE


def leave_run_page(folder: Path) -> None:
    """Write the page at the end of a run, which must not fail for want of it."""
    try:
        log.info("page on this run: %s", write_run_page(folder))
    except Exception:
        log.warning("%s: no %s could be written", folder, PAGE, exc_info=True)


def _facts(job: Job) -> str:
    """Epochs, time, memory and size, as far as known."""
    facts = []
    if job.epochs is not None:
        facts.append(f"{job.epochs} epochs")
    if job.best_epoch is not None:
        facts.append(f"best epoch {job.best_epoch}, counted from 0")
    if job.status.get("seconds"):
        facts.append(f"{job.status['seconds']:.0f} s")
    for place, megabytes in (job.results.get("memory_mb") or {}).items():
        facts.append(f"peak memory of the {place} {megabytes:.0f} MB")
    if job.results.get("parameters"):
        facts.append(f"{job.results['parameters'] / 1e6:.2f} million parameters")
    return ", ".join(facts)


def _losses(job: Job, album: Album) -> Picture | None:
    if not any(name.split("/")[0] in ("train", "val") for name in job.curves):
        return None
    path = job.folder / "pictures" / "loss.png"
    if not path.is_file():
        save_figure(loss_figure(job.curves), path)
    last = [
        f"{name} {points[-1][1]:.4g} in epoch {points[-1][0]}"
        for name in ("train/loss", "val/loss", "val/dice")
        if (points := job.curves.get(name))
    ]
    caption = "Losses and validation metrics against epoch. At the end: " + ", ".join(last) + "."
    return album.add(path, f"Curves against epoch: {', '.join(last)}.", caption)


def _events(job: Job, album: Album) -> list[Picture]:
    """The best, median and worst event, or else those drawn of the best checkpoint."""
    folder = job.folder / "pictures"
    rows = _ranked(folder / RANKED)
    drawn = sorted((row for row in rows if row["picture"]), key=lambda row: row["rank"])
    pictures = []
    for row in drawn:
        efficiency, purity, dice = (row[k] for k in ("roi_efficiency", "roi_purity", "dice"))
        what = f"{row['rank'].capitalize()} of {len(rows)} validation images by ROI efficiency"
        judged = f"ROI efficiency {efficiency}, ROI purity {purity}, Dice {dice}"
        caption = f"{what}: {row['name']}. {judged}."
        alt = f"Input layers, probability, and mask against truth, of {row['name']}: {judged}."
        pictures.append(album.add(folder / row["picture"], alt, caption))
    if not drawn:
        for path in sorted(folder.glob("*-best.png")):
            name = path.stem.removesuffix("-best")
            alt = f"Input layers, probability, and mask against truth, of {name}."
            caption = f"{name}, by the best checkpoint."
            pictures.append(album.add(path, alt, caption))
    return [each for each in pictures if each is not None]


def _ranked(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
    except OSError:
        return []
    needed = {"rank", "picture", "name", "roi_efficiency", "roi_purity", "dice"}
    return rows if rows and needed <= set(rows[0]) else []


def _physics(job: Job, album: Album) -> tuple[list[Picture], list[str]]:
    """Figures of the charge metrics, and links to those there is no room for."""
    if job.physics_table is None:
        return [], []
    places = (job.physics_table.parent, job.physics_table.parent / "figures")
    pictures, links = [], []
    for path in (path for place in places for path in sorted(place.glob("*.png"))):
        quantity, _, of = path.stem.partition("-")
        name = quantity.replace("_", " ").replace("rois", "ROI and pixel efficiency and purity")
        title = f"{name.capitalize() if name[0].islower() else name} against angle, {of}."
        alt = f"{title} The numbers stand in the table above."
        picture = album.add(path, alt, title)
        if picture is None:
            links.append(relative_link(path, job.folder))
        else:
            pictures.append(picture)
    return pictures, links


def _commands(job: Job) -> list[Command]:
    """How to judge, deliver and repeat what this run has made."""
    folder = job.folder.resolve()
    found = []
    if job.checkpoint is not None:
        weights = job.checkpoint.resolve()
        found += [
            Command(
                "Judge the network on tracks and showers of known angle (sample: a folder with "
                "a meta.json); this page, written anew, then shows what comes out",
                "evaluate",
                f"network={weights}",
                "sample=FOLDER",
                f"output_dir={folder / 'evaluation'}",
            ),
            Command("Export the network again", "export", f"network={weights}"),
        ]
    if job.command:
        kept = [text for text in job.command if not text.startswith(("output_dir=", "resume="))]
        again = [*kept, f"output_dir={folder}", "resume=auto"]
        found.append(Command("Go on from the last checkpoint", "train", *again))
    report = f"python -m roilab.report {shlex.quote(str(folder))}"
    return [*found, Command("Write this page anew", text=report)]
