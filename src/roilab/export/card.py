"""The model card: what a network is, was trained on, reaches and cannot do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roilab.csv_log import read_curves

_CARD = """\
# {network} for ROI finding, plane {planes}

Probability of a region of interest for every channel and slice of a wire plane, for the node
`DNNROIFinding` of the Wire-Cell Toolkit. `{file}` is the network, `model.json` says what to feed
it, `dnnroi.jsonnet` configures the node.

## Input

| | |
|---|---|
| layers, in this order | {layers} |
| ticks per slice | {rebin} |
| scale on the charge | {input_scale:g} |
| order of channels | by channel id (`sort_chanids: true`) |
| image | {channels} channels x {slices} slices; any other size works |
| mask | probability above {mask_thresh:g} |

## Data

| | |
|---|---|
| folder | `{folder}` |
| training files | {train_files} |
| validation files | {val_files} |
| truth | charge above {threshold:g} electrons per tick, padded by {pad} {pad_unit} |

## Recipe

{epoch}Loss `{loss}`, {batch_size} images a batch, seed {seed}, commit {commit},
roilab {roilab}, torch {torch}.

## Metrics

{metrics}

## Figures

{figures}

## Limits

- It knows the detector, the planes and the simulation of its training data, and noise and signal
  processing as they were there; another detector, field or signal processing wants a training of
  its own.
- Its mask threshold was {mask_thresh:g} when it was trained; what is best for charge is seen by
  `python -m roilab.evaluate network={file}` on tracks and showers of known angle.
- {memory}
"""


@dataclass(frozen=True)
class CardFacts:
    """What is known of a training beyond its recipe.

    Attributes:
        epoch: of the checkpoint, counted from 0; ``None`` where it is not known.
        metrics: values by name, of that epoch.
        figures: paths as the card is to name them.
    """

    epoch: int | None
    metrics: Mapping[str, float]
    figures: Sequence[str]


def facts_of_run(run_dir: Path, epoch: int) -> CardFacts:
    """What a run's folder tells of one epoch.

    Args:
        run_dir: with ``csv`` and ``pictures``, where they were written.
        epoch: counted from 0.
    """
    curves = read_curves(run_dir / "csv")
    metrics = {
        name: dict(points)[epoch] for name, points in curves.items()
        if name.startswith("val/") and epoch in dict(points)
    }  # fmt: skip
    pictures = [*run_dir.glob("pictures/loss.png"), *sorted(run_dir.glob("physics/**/*.png"))]
    return CardFacts(epoch, metrics, [str(path.relative_to(run_dir)) for path in pictures])


def model_card(
    recipe: Mapping[str, Any], metadata: Mapping[str, Any], facts: CardFacts, file: str
) -> str:
    """The card as Markdown.

    Args:
        recipe: the configuration that a checkpoint holds.
        metadata: of the file.
        facts: of the training.
        file: name of the network's file.
    """
    data = recipe["data"]
    export = metadata.get("export")
    memory = "Memory grows with the image; split it along its channels (`nchunks`) to save some."
    channels, slices = "any number of", "any number of"
    if export is not None:
        channels, slices = export["image"]
        memory = (
            f"One image of {channels} x {slices} takes up to about {export['expected_memory_mb']} "
            f"MB beside the loaded file, in {export['precision']}; leave `nchunks` at 1."
        )
    metrics = "\n".join(
        f"| {name} | {value:.4f} |" for name, value in sorted(facts.metrics.items())
    )
    return _CARD.format(
        network=metadata["network"],
        planes=" and ".join(metadata["planes"]),
        file=file,
        layers=", ".join(f"`{layer}`" for layer in metadata["layers"]),
        rebin=metadata["rebin"],
        input_scale=metadata["input_scale"],
        mask_thresh=metadata["mask_thresh"],
        channels=channels,
        slices=slices,
        folder=data["dir"],
        train_files=_listed(data["train_files"]) or "all that validation and test do not take",
        val_files=_listed(data["val_files"]) or f"{100 * data['val_fraction']:g}% of the events",
        threshold=metadata["truth_threshold"],
        pad=metadata["pad"],
        pad_unit=metadata["pad_unit"],
        epoch="" if facts.epoch is None else f"Weights after epoch {facts.epoch + 1}. ",
        loss=str(recipe["loss"]["_target_"]).rsplit(".", 1)[-1],
        batch_size=data["batch_size"],
        seed=metadata["seed"],
        commit=metadata["git_commit"] or "not known",
        roilab=metadata["versions"]["roilab"],
        torch=metadata["versions"]["torch"],
        metrics=f"| of validation | |\n|---|---|\n{metrics}" if metrics else "None are at hand.",
        figures="\n".join(f"![{Path(f).stem}]({f})" for f in facts.figures) or "None are at hand.",
        memory=memory,
    )


def _listed(files: Sequence[str] | None) -> str:
    return ", ".join(f"`{file}`" for file in files or ())
