"""The tables of a run's page."""

import shlex
from typing import Any

from roilab.report.html import MISSING, Cell, Column, Table, number_cell, text_cell
from roilab.report.job import Job, Row, number
from roilab.report.swept_settings import value_text

# What a reader asks first, and the keys that answer.
_RECIPE = (
    ("network", ("model", "model.net._target_")),
    ("frames", ("data", "data.dir")),
    ("planes", ("data.planes",)),
    ("input layers", ("data.layers",)),
    ("ticks per slice", ("data.rebin",)),
    ("truth threshold [electrons per tick]", ("data.threshold",)),
    ("padding of the truth mask", ("data.pad", "data.pad_unit")),
    ("loss", ("loss",)),
    ("optimizer", ("optimizer", "optimizer.lr")),
    ("scheduler", ("scheduler",)),
    ("images per batch", ("data.batch_size",)),
    ("most epochs", ("trainer.max_epochs",)),
    ("precision", ("trainer.precision",)),
    ("mask threshold", ("model.mask_thresh",)),
    ("seed", ("seed",)),
)
# Columns of the table of charge metrics: name, unit, how a number is written (empty: words).
_PHYSICS = (
    ("plane", "", ""),
    ("sample", "", ""),
    ("energy", "MeV", "{:g}"),
    ("theta_xz", "deg", "{:g}"),
    ("method", "", ""),
    ("bias", "%", "{:.2f}"),
    ("resolution", "%", "{:.2f}"),
    ("inefficiency", "%", "{:.2f}"),
    ("charge_profile", "%", "{:.2f}"),
    ("roi_efficiency", "", "{:.3f}"),
    ("roi_purity", "", "{:.3f}"),
)
_EXPORT = (
    ("input layers", "layers"),
    ("planes", "planes"),
    ("ticks per slice", "rebin"),
    ("input scale", "input_scale"),
    ("mask threshold", "mask_thresh"),
    ("truth threshold", "truth_threshold"),
    ("precision", "precision"),
    ("network", "network"),
    ("commit", "git_commit"),
)


_FILES = ("model.ts", "model.json", "MODEL_CARD.md", "dnnroi.jsonnet")


class Command:
    """A command line a reader can copy.

    Attributes:
        purpose: what it is for.
        text: the command line.
    """

    def __init__(self, purpose: str, verb: str = "", *overrides: str, text: str = "") -> None:
        words = ["python", "-m", f"roilab.{verb}", *overrides]
        self.purpose, self.text = purpose, text or shlex.join(words)


def recipe_table(job: Job) -> Table:
    """The settings a reader asks first, with the keys that set them."""
    rows = []
    for name, keys in _RECIPE:
        values = [job.setting(key) for key in keys]
        told = [value_text(v) for v in values if v is not None and not isinstance(v, dict)]
        shown = ", ".join(text.removeprefix("roilab.models.") for text in told)
        rows.append([Cell(name), text_cell(shown), Cell(", ".join(keys))])
    columns = [Column("setting"), Column("value"), Column("key")]
    return Table("What was trained. A dash: not known.", columns, rows)


def metric_table(job: Job) -> Table:
    """Metrics of the best checkpoint beside those of the last epoch, and of test events."""
    told = job.results.get("metrics") or {}
    names = [name.partition("/")[2] for name in (*told, *job.curves) if "/" in name]
    kinds = sorted(dict.fromkeys(n for n in names if n), key=lambda name: (name != "loss", name))
    tested = any(name.startswith("test/") for name in (*told, *job.curves))
    rows = []
    for name in kinds:
        values = [job.metric(name), job.last(f"val/{name}"), job.last(f"train/{name}")]
        if tested:
            values.append(told.get(f"test/{name}", job.last(f"test/{name}")))
        if any(value is not None for value in values):
            cells = [number_cell(value, "{:.4g}") for value in values]
            rows.append([Cell(name.replace("roi_", "ROI ").replace("_", " ")), *cells])
    heads = ["best checkpoint", "last epoch", "last epoch, training", *(["test"] if tested else [])]
    columns = [Column("metric"), *(Column(name, number=True) for name in heads)]
    return Table(
        "Metrics on validation events, unless another column says so. A dash: not measured.",
        columns,
        rows,
    )


def physics_table(job: Job) -> Table | None:
    """Charge and ROIs by angle and method; ``None`` where nothing was judged."""
    if not job.physics:
        return None
    shown = [each for each in _PHYSICS if any(row.get(each[0]) for row in job.physics)]
    columns = [
        Column(name.replace("_", " ") + (f" [{unit}]" if unit else ""), number=bool(written))
        for name, unit, written in shown
    ]
    rows = [[_physics_cell(row, name, written) for name, _, written in shown]
            for row in job.physics]  # fmt: skip
    caption = "Charge and ROIs on samples of known angle: the network (dnn), classical ROIs"
    return Table(f"{caption} (gauss), and its own truth mask (ideal).", columns, rows)


def _physics_cell(row: Row, name: str, written: str) -> Cell:
    if not written:
        return text_cell(row.get(name))
    cell = number_cell(number(row.get(name)), written)
    error = number(row.get(f"{name}_error"))
    if error is None or cell.text == MISSING:
        return cell
    return Cell(f"{cell.text} ± {written.format(error)}", cell.value, cell.kind)


def export_table(job: Job) -> Table | None:
    """What the exported network says of itself; ``None`` where there is none."""
    path = job.folder / "model.ts"
    if not path.is_file():
        return None
    told = dict(job.exported)
    rows = [
        *([Cell("file"), Cell(n, link=n)] for n in _FILES if (job.folder / n).is_file()),
        [Cell("size"), Cell(f"{path.stat().st_size / 1e6:.1f} MB")],
        [Cell("parity with the checkpoint"), text_cell(_parity(told))],
    ]
    for name, key in _EXPORT:
        if key in told:
            rows.append([Cell(name), text_cell(value_text(told[key]))])
    versions = told.get("versions")
    if isinstance(versions, dict):
        text = ", ".join(f"{name} {number}" for name, number in versions.items())
        rows.append([Cell("versions"), text_cell(text)])
    columns = [Column("fact"), Column("value")]
    return Table("What model.ts is and expects, as model.json says.", columns, rows)


def _parity(told: dict[str, Any]) -> str:
    """As recorded; a file without a record was compared too, or it would not be there."""
    record = told.get("parity")
    if isinstance(record, dict):
        return ", ".join(f"{name} {value_text(value)}" for name, value in record.items())
    if record is not None:
        return value_text(record)
    return "compared before it was written; a difference above 1e-5 would have left no file"
