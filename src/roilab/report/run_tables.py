"""Tables of a run's page."""

from collections.abc import Mapping
from typing import Any

from roilab.console import number_with_errors
from roilab.report.html import HtmlCell, HtmlColumn, HtmlTable, number_cell, text_cell
from roilab.report.run_record import RunRecord, parse_number
from roilab.report.swept_settings import value_text
from roilab.types import Row

# Settings in the first table, and their keys.
_SETTINGS = (
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
# Columns of the table of charge metrics: name, unit, format of a number (empty: words).
_PHYSICS = (
    ("plane", "", ""),
    ("sample", "", ""),
    ("energy", "MeV", "g"),
    ("theta_xz", "deg", "g"),
    ("method", "", ""),
    ("bias", "%", ".2f"),
    ("resolution", "%", ".2f"),
    ("inefficiency", "%", ".2f"),
    ("charge_profile", "%", ".2f"),
    ("roi_efficiency", "", ".3f"),
    ("roi_purity", "", ".3f"),
)
_EXPORT = (
    ("input layers", "layers"),
    ("planes", "planes"),
    ("ticks per slice", "rebin"),
    ("input scale", "input_scale"),
    ("mask threshold", "mask_thresh"),
    ("truth threshold", "truth_threshold"),
    ("network", "network"),
    ("commit", "git_commit"),
)
_FILES = ("model.ts", "model.json", "README.md", "dnnroi.jsonnet")
_NOT_RECORDED = "not recorded"
_NAMES = {"marked": "part of pixels in the mask"}  # of columns that no words of a metric name


def settings_table(run: RunRecord) -> HtmlTable:
    """Return the most important settings, with their keys."""
    rows = []
    for name, keys in _SETTINGS:
        values = [run.setting(key) for key in keys]
        texts = [value_text(v) for v in values if v is not None and not isinstance(v, dict)]
        shown = ", ".join(text.removeprefix("roilab.models.") for text in texts)
        rows.append([HtmlCell(name), text_cell(shown), HtmlCell(", ".join(keys))])
    columns = [HtmlColumn("setting"), HtmlColumn("value"), HtmlColumn("key")]
    return HtmlTable("Settings of the training. A dash: not known.", columns, rows)


def metric_table(run: RunRecord) -> HtmlTable:
    """Return metrics of the best checkpoint, of the last epoch, and of test events."""
    results = run.results.get("metrics") or {}
    names = [name.partition("/")[2] for name in (*results, *run.curves) if "/" in name]
    kinds = sorted(dict.fromkeys(n for n in names if n), key=lambda name: (name != "loss", name))
    tested = any(name.startswith("test/") for name in (*results, *run.curves))
    rows = []
    for name in kinds:
        values = [run.metric(name), run.last(f"val/{name}"), run.last(f"train/{name}")]
        if tested:
            values.append(results.get(f"test/{name}", run.last(f"test/{name}")))
        if any(value is not None for value in values):
            cells = [number_cell(value) for value in values]
            rows.append([HtmlCell(metric_words(name)), *cells])
    heads = ["best checkpoint", "last epoch", "last epoch, training", *(["test"] if tested else [])]
    columns = [HtmlColumn("metric"), *(HtmlColumn(name, number=True) for name in heads)]
    caption = "Metrics on validation events, if the column does not say otherwise."
    if run.mask_thresh is not None:
        caption += (
            f" Masks: probability above {run.mask_thresh:g} (best checkpoint, test), above "
            f"{run.working_point['start']:g} (last epoch)."
        )
    return HtmlTable(f"{caption} A dash: not measured.", columns, rows)


def threshold_table(run: RunRecord) -> HtmlTable | None:
    """Return the metrics at every scanned mask threshold; ``None`` without a scan."""
    scan = run.working_point.get("scan")
    if not scan:
        return None
    names = [name for name in scan[0] if name not in ("mask_thresh", "images")]
    columns = [HtmlColumn("mask threshold", number=True)]
    columns += [HtmlColumn(_NAMES.get(n, metric_words(n)), number=True) for n in names]
    rows = []
    for row in scan:
        chosen = row["mask_thresh"] == run.mask_thresh
        text = f"{row['mask_thresh']:g}{' (chosen)' if chosen else ''}"
        first = HtmlCell(text, repr(row["mask_thresh"]), "number")
        rows.append([first, *(number_cell(row.get(name), "{:.4f}") for name in names)])
    caption = f"Masks on {scan[0]['images']} validation images at every mask threshold."
    return HtmlTable(f"{caption} A dash: nothing is marked.", columns, rows)


def threshold_text(run: RunRecord) -> str:
    """Return the mask threshold and how it was chosen, in one sentence."""
    point = run.working_point
    if not point:
        return "The mask threshold is not recorded."
    note = f" ({point['note']})" if point.get("note") else ""
    return f"Mask threshold {point['mask_thresh']:g}: {point['rule']}{note}."


def metric_words(name: str) -> str:
    """Return the name of a metric in words: ``ROI purity`` of ``roi_purity``."""
    return name.replace("roi_", "ROI ").replace("_", " ")


def physics_table(run: RunRecord) -> HtmlTable | None:
    """Return charge and ROI metrics by angle and method; ``None`` without an evaluation."""
    if not run.physics:
        return None
    shown = [column for column in _PHYSICS if any(row.get(column[0]) for row in run.physics)]
    columns = [
        HtmlColumn(name.replace("_", " ") + (f" [{unit}]" if unit else ""), number=bool(form))
        for name, unit, form in shown
    ]
    rows = [[_physics_cell(row, name, form) for name, _, form in shown] for row in run.physics]
    caption = "Charge and ROIs on samples of known angle: the network (dnn), classical ROIs"
    return HtmlTable(f"{caption} (gauss), and its own truth mask (ideal).", columns, rows)


def _physics_cell(row: Row, name: str, form: str) -> HtmlCell:
    if not form:
        return text_cell(row.get(name))
    value, low, high = (parse_number(row.get(f"{name}{end}")) for end in ("", "_low", "_high"))
    cell = number_cell(value, f"{{:{form}}}")
    if value is None or low is None or high is None:
        return cell
    return HtmlCell(number_with_errors(value, low, high, form), cell.value, cell.kind)


def export_table(run: RunRecord) -> HtmlTable | None:
    """Return what ``model.json`` says about the exported network; ``None`` without an export."""
    path = run.folder / "model.ts"
    if not path.is_file():
        return None
    facts = {"size": f"{path.stat().st_size / 1e6:.1f} MB"}
    facts |= _export_facts(run.exported.get("export"))
    facts |= {name: value_text(run.exported[key]) for name, key in _EXPORT if key in run.exported}
    versions = run.exported.get("versions")
    if isinstance(versions, dict):
        facts["versions"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    rows = [
        *([HtmlCell("file"), HtmlCell(n, link=n)] for n in _FILES if (run.folder / n).is_file()),
        *([HtmlCell(name), text_cell(text)] for name, text in facts.items()),
    ]
    columns = [HtmlColumn("fact"), HtmlColumn("value")]
    return HtmlTable("The exported network, from model.json.", columns, rows)


def _export_facts(export: Any) -> dict[str, str]:
    """Return precision, memory and parity, from ``export`` of ``model.json``."""
    if not isinstance(export, dict):
        export = {}
    precision, memory = export.get("precision"), export.get("expected_memory_mb")
    facts = {"precision": _NOT_RECORDED if precision is None else str(precision)}
    if memory is not None:
        channels, slices = export["image"]
        facts["memory of one image"] = (
            f"up to about {memory:g} MB beside the loaded file, for {channels} channels x "
            f"{slices} slices"
        )
    return facts | {"parity with the checkpoint": _parity(export)}


def _parity(export: Mapping[str, Any]) -> str:
    """Return the differences from the checkpoint's ROI probability by image size, and the limit."""
    if not export.get("parity"):
        return _NOT_RECORDED
    kind = {"max": "largest", "mean": "mean"}[export["parity_measure"]]
    sizes = ", ".join(f"{value:.2g} at {size}" for size, value in export["parity"].items())
    limit = f"limit: {export['parity_limit']:.2g}"
    if kind == "largest" and export["parity_limit"] > 1e-5:
        limit += ", three times the rounding error of the network in float32"
    return f"{kind} difference of the ROI probability (channels x slices): {sizes}; {limit}"
