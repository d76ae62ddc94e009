"""The model card: input, training data, metrics and limits of a network."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from roilab.csv_log import read_curves
from roilab.export.markdown import code_span, plain_text
from roilab.inference import WorkingPoint
from roilab.types import Row
from roilab.verdict import Verdict, judge_training, read_training_table

_CARD = """\
# {network} for ROI finding, plane {planes}

Probability of a region of interest for every channel and slice of a wire plane, {purpose}.
{files}

## Verdict

{verdict}

## Input

| | |
|---|---|
| layers, in this order | {layers} |
| ticks per slice | {rebin} |
| scale on the charge | {input_scale:g} |
| order of channels | by channel id (`sort_chanids: true`) |
| image | {channels} channels x {slices} slices; any other size works |
| mask | probability above {mask_thresh:g} |

## Mask threshold

{threshold}

## Data

| | |
|---|---|
| folder | {folder} |
| training files | {train_files} |
| validation files | {val_files} |
{images}| truth | charge above {truth_threshold:g} electrons per tick, padded by {pad} {pad_unit} |

## Recipe

{epoch}Loss {loss}, {batch_size} images a batch, seed {seed}, commit {commit},
roilab {versions[roilab]}, torch {versions[torch]}.

## Metrics

{metrics}

## Figures

{figures}

## Limits

- It was trained for the detector, planes, simulation, noise and signal processing of its training
  data. Train another network for another detector, field or signal processing.
- The mask threshold is that of its validation events. `python -m roilab.evaluate network={argument}
  sample=FOLDER` shows charge at other thresholds on tracks and showers of known angle.
- {memory}
"""


@dataclass(frozen=True)
class TrainingFacts:
    """Facts of a training that its recipe does not hold.

    Attributes:
        epoch: of the checkpoint, counted from 0; ``None`` where it is not known.
        metrics: values of that epoch, by name.
        figures: paths of figures, as the card links them.
        data: number of images by stage, where it is known: ``{"train": {"images": 90}}``.
        physics: table of the charge metrics; empty where the network was not evaluated.
        verdict: of a network whose training has stored one.
    """

    epoch: int | None
    metrics: Mapping[str, float]
    figures: Sequence[str]
    data: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    physics: Sequence[Row] = ()
    verdict: Verdict | None = None


def read_training_facts(run_dir: Path, epoch: int) -> TrainingFacts:
    """Read metrics of one epoch (counted from 0) and figures from the folder of a training."""
    curves = read_curves(run_dir / "csv")
    metrics = {
        name: dict(points)[epoch] for name, points in curves.items()
        if name.startswith("val/") and epoch in dict(points)
    }  # fmt: skip
    pictures = [*run_dir.glob("pictures/loss.png"), *sorted(run_dir.glob("physics/**/*.png"))]
    names = [str(path.relative_to(run_dir)) for path in pictures]
    return TrainingFacts(epoch, metrics, names, physics=read_training_table(run_dir))


def stored_facts(training: Mapping[str, Any]) -> TrainingFacts:
    """Return the facts of a stored network, see ``roilab.networks.store``."""
    metrics = {
        name: value
        for name, value in training.get("metrics", {}).items()
        if name.startswith("val/") and value is not None
    }
    verdict = Verdict.from_plain(training.get("verdict"))
    data = training.get("data", {})
    return TrainingFacts(training.get("best_epoch"), metrics, [], data, verdict=verdict)


def format_model_card(
    recipe: Mapping[str, Any],
    point: WorkingPoint,
    metadata: Mapping[str, Any],
    facts: TrainingFacts,
    file: str,
) -> str:
    """Return the model card as Markdown.

    Args:
        recipe: the configuration that a checkpoint saves.
        point: mask threshold.
        metadata: of the exported network, as in ``model.json``.
        facts: of the training.
        file: name of the network's file.
    """
    data, onnx = recipe["data"], file.endswith(".onnx")
    channels, slices, memory = _image(metadata["export"])
    links = [f"![{plain_text(Path(figure).stem)}]({quote(figure)})" for figure in facts.figures]
    values = {
        "network": plain_text(metadata["network"]),
        "planes": " and ".join(metadata["planes"]),
        "folder": code_span(data["dir"]) if data["dir"] else "not recorded",
        "batch_size": plain_text(data["batch_size"]),
        "seed": plain_text(metadata["seed"]),
        "layers": _list_names(metadata["layers"]),
        "train_files": _list_names(data["train_files"]) or "all others",
        "val_files": _list_names(data["val_files"])
        or f"{100 * data['val_fraction']:g}% of the events",
        "epoch": "" if facts.epoch is None else f"Weights after epoch {facts.epoch + 1}. ",
        "loss": code_span(str(recipe["loss"]["_target_"]).rsplit(".", 1)[-1]),
        "commit": metadata["git_commit"] or "not known",
        "threshold": _threshold(point),
        "verdict": plain_text(_verdict(facts, point)),
        "metrics": _metrics_table(facts.metrics, point),
        "purpose": "for programs other than the Wire-Cell Toolkit, which cannot run ONNX"
        if onnx
        else "for the node `DNNROIFinding` of the Wire-Cell Toolkit",
        "files": _files(file),
        "images": _images(facts.data),
        "figures": "\n".join(links) or "No figures are available.",
    }
    image = {"channels": channels, "slices": slices, "memory": memory}
    return _CARD.format(
        **{**metadata, **values, **image, "argument": file.removesuffix(".safetensors")}
    )


def _verdict(facts: TrainingFacts, point: WorkingPoint) -> Verdict:
    """Return the verdict on a network; the charge metrics are those of the best checkpoint."""
    if facts.verdict is not None:
        return facts.verdict
    best = point.epoch is None or facts.epoch is None or point.epoch == facts.epoch
    measured = {f"val/{name}": value for name, value in point.metrics.items()}
    return judge_training(
        facts.physics if best else (), {**facts.metrics, **measured}, point.plain()
    )


def _files(file: str) -> str:
    """Return which file holds what."""
    name, _, suffix = file.rpartition(".")
    if suffix == "safetensors":
        return (
            f"`{file}` holds its weights, `{name}.json` describes it; `network={name}` is this "
            "network in every\ncommand of roilab. Licence: BSD-3-Clause."
        )
    configuration = "" if suffix == "onnx" else ", `dnnroi.jsonnet` configures the node"
    return f"`{file}` is the network, `{name}.json` describes its input{configuration}."


def _images(data: Mapping[str, Mapping[str, int]]) -> str:
    """Return the line of a table with the numbers of images; empty where they are not known."""
    counts = [f"{plain_text(stage)} {int(of['images'])}" for stage, of in data.items()]
    return f"| images | {', '.join(counts)} |\n" if counts else ""


def _image(export: Mapping[str, Any]) -> tuple[Any, Any, str]:
    """Return channels and slices of the planned image, and a sentence about memory."""
    if "image" not in export:
        return "any number of", "any number of", "Memory grows with the image."
    channels, slices = export["image"]
    memory = (
        f"One image of {channels} x {slices} takes up to about {export['expected_memory_mb']} "
        f"MB above the loaded file, in {export['precision']}; "
    )
    in_bands = export.get("form") == "bands"
    memory += "leave `nchunks` at 1." if in_bands else "`nchunks` above 1 saves memory."
    return channels, slices, memory


def _metrics_table(metrics: Mapping[str, float], point: WorkingPoint) -> str:
    """Return the metrics of the validation: of its masks at the network's threshold."""
    shown = {**metrics, **{f"val/{name}": value for name, value in point.metrics.items()}}
    if not shown:
        return "No metrics are available."
    # Without a scan the metrics are those of the epoch.
    thresh = point.mask_thresh if point.metrics else point.start
    lines = [f"| {plain_text(name)} | {value:.4f} |" for name, value in sorted(shown.items())]
    return "\n".join([f"| of validation, mask above {thresh:g} | |", "|---|---|", *lines])


def _threshold(point: WorkingPoint) -> str:
    """Return how the threshold was chosen, with the metrics at every scanned threshold."""
    text = f"{plain_text(point)}."
    if not point.scan:
        return text
    names = [name for name in point.scan[0] if name not in ("mask_thresh", "images")]
    heads = ["mask_thresh", *(name.replace("_", " ") for name in names)]
    lines = [heads, ["---"] * len(heads)]
    for row in point.scan:
        numbers = ["" if math.isnan(row[n]) else f"{row[n]:.4f}" for n in names]
        lines.append([f"{row['mask_thresh']:g}", *numbers])
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{text}\n\n{table}"


def _list_names(names: Sequence[str] | None) -> str:
    return ", ".join(code_span(name) for name in names or ())
