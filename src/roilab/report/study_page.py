"""Page of a study for a meeting: verdict and curves of every network, a table, commands."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roilab.plots import CHARGE
from roilab.report.answers import verdict_colour
from roilab.report.html import HtmlCell, HtmlColumn, HtmlTable, number_cell, text_cell, write_page
from roilab.report.pictures import Album, Picture, relative_link
from roilab.report.run_page import PAGE
from roilab.report.run_record import RunRecord, parse_number
from roilab.report.swept_settings import SweptSettings, find_swept_settings, value_text
from roilab.types import Row
from roilab.verdict import Kind, Verdict

MAX_PICTURES = 8_000_000  # bytes in a page
# Means over all planes, samples, energies and angles: heading, column, format, size only.
_MEANS = (
    ("bias, size [%]", "bias", "{:.1f}", True),
    ("resolution [%]", "resolution", "{:.1f}", False),
    ("inefficiency [%]", "inefficiency", "{:.2f}", False),
    ("ROI purity", "roi_purity", "{:.3f}", False),
)
_METHODS = {"dnn": "network", "gauss": "gauss"}
_BEST_FIRST = (Kind.BETTER, Kind.MIXED, Kind.EQUAL, Kind.WORSE, Kind.NO_SAMPLE, Kind.MARKS_NOTHING)


@dataclass(frozen=True)
class StudiedNetwork:
    """What the page shows of one network.

    Attributes:
        name: of the job.
        anchor: of its section.
        verdict: on it; ``None`` where there is nothing to judge yet.
        facts: its settings and mask threshold, in words.
        curves: bias, resolution, inefficiency and charge profile against angle.
        page: address of the page of the run, if there is one.
    """

    name: str
    anchor: str
    verdict: Verdict | None
    facts: str
    curves: Sequence[Picture]
    page: str | None

    @property
    def colour(self) -> str:
        """Class of the style sheet for the verdict."""
        return verdict_colour(self.verdict) if self.verdict else ""


def write_study_page(runs: Sequence[RunRecord], folder: Path) -> Path:
    """Write ``report.html`` of the networks of a study, the best verdict first; return its path."""
    settings = find_swept_settings(runs)
    ordered = sorted(settings.runs, key=_order)
    album = Album(folder, MAX_PICTURES)
    networks = [_network(run, settings, album, f"network-{n}") for n, run in enumerate(ordered, 1)]
    write_page(
        folder / PAGE,
        "study.html.jinja",
        title=f"Study {folder.resolve().parent.name}: {len(runs)} networks",
        lead=_lead(ordered),
        sections={"table": "Table", "networks": "Networks", "commands": "Commands"},
        networks=networks,
        table_content=_table(ordered, networks),
        commands=_commands(ordered[0]),
    )
    return folder / PAGE


def _order(run: RunRecord) -> tuple[int, float]:
    """Return a sort key: by verdict, then by the mean size of the bias."""
    kind = run.verdict.kind if run.verdict else Kind.NO_SAMPLE
    bias = _mean(run.physics, "dnn", "bias", size=True)
    return _BEST_FIRST.index(kind), float("inf") if bias is None else bias


def _lead(runs: Sequence[RunRecord]) -> str:
    kinds = Counter(run.verdict.kind.value if run.verdict else "no verdict" for run in runs)
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return (
        f"Networks against the ROIs of classical signal processing (gauss): {counts}. The first "
        "has the best verdict, and among equal ones the smallest mean size of the charge bias."
    )


def _network(run: RunRecord, settings: SweptSettings, album: Album, anchor: str) -> StudiedNetwork:
    values = {settings.names[key]: settings.value(run, key) for key in settings.keys}
    facts = [f"{name} {value_text(value)}" for name, value in values.items()]
    facts += [] if run.mask_thresh is None else [f"mask threshold {run.mask_thresh:g}"]
    page = run.folder / PAGE
    return StudiedNetwork(
        settings.run_name(run),
        anchor,
        run.verdict,
        ", ".join(facts),
        _curves(run, album),
        relative_link(page, album.folder) if page.is_file() else None,
    )


def _curves(run: RunRecord, album: Album) -> list[Picture]:
    """Return the figures of the charge metrics, of every sample, plane and energy."""
    parents = [table.parent for table in run.physics_tables]
    found = [path for parent in parents for folder in (parent, parent / "figures")
             for path in sorted(folder.glob("*.png"))]  # fmt: skip
    pictures = []
    for quantity in CHARGE:
        for path in (one for one in found if one.stem.partition("-")[0] == quantity):
            sample = path.stem.partition("-")[2]
            title = f"{quantity.replace('_', ' ').capitalize()} against angle, {sample}."
            pictures.append(album.add(path, f"{title} The means stand in the table.", title))
    return [picture for picture in pictures if picture is not None]


def _table(runs: Sequence[RunRecord], networks: Sequence[StudiedNetwork]) -> HtmlTable:
    columns = [HtmlColumn(name) for name in ("network", "verdict")]
    heads = [f"{head}, {shown}" for head, *_ in _MEANS for shown in _METHODS.values()]
    columns += [HtmlColumn(name, number=True) for name in ("mask threshold", "Dice", *heads)]
    rows = [_row(run, network) for run, network in zip(runs, networks, strict=True)]
    caption = (
        "Means over all planes, samples, energies and angles of the evaluation; Dice of the "
        "validation events. A dash: not measured. Click a heading to sort."
    )
    return HtmlTable(caption, columns, rows)


def _row(run: RunRecord, network: StudiedNetwork) -> list[HtmlCell]:
    verdict = run.verdict
    kind = text_cell(None) if verdict is None else HtmlCell(verdict.kind.value, kind=network.colour)
    means = [
        number_cell(_mean(run.physics, method, name, size=size), form)
        for _, name, form, size in _MEANS
        for method in _METHODS
    ]
    return [
        HtmlCell(network.name, link=f"#{network.anchor}", kind="long"),
        kind,
        number_cell(run.mask_thresh, "{:g}"),
        number_cell(run.metric("dice"), "{:.3f}"),
        *means,
    ]


def _mean(rows: Sequence[Row], method: str, name: str, *, size: bool) -> float | None:
    cells = [parse_number(row.get(name)) for row in rows if row.get("method") == method]
    values = [abs(value) if size else value for value in cells if value is not None]
    return sum(values) / len(values) if values else None


def _commands(best: RunRecord) -> Mapping[str, str]:
    """Return command lines for the first network, by their purpose."""
    network = f"network={best.folder}"
    kept = [text for text in best.command if not text.startswith(("output_dir=", "resume="))]
    lines: dict[str, Sequence[Any]] = {
        "Train it again": ("train", *kept) if kept else (),
        "Evaluate it on another sample of known angle": (
            *("evaluate", network, "sample=FOLDER", f"output_dir={best.folder}/evaluation-2"),
        ),
        "Find the ROIs of frames": ("predict", network, "frames=FOLDER", "output_dir=predicted"),
        "Export it for the Wire-Cell Toolkit": ("export", network, "output_dir=delivery"),
    }
    return {
        purpose: shlex.join(["roilab", *map(str, line)]) for purpose, line in lines.items() if line
    }
