"""The model card: what a network is for, its training, metrics and limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from roilab.inference import WorkingPoint
from roilab.model_card.earlier import describe_earlier
from roilab.model_card.facts import TrainingFacts
from roilab.model_card.frames import UNKNOWN
from roilab.model_card.front_matter import front_matter
from roilab.model_card.markdown import code_span, plain_text
from roilab.model_card.tables import charge_table, markdown_table, metrics_table, threshold_text
from roilab.model_card.words import files_text, image_words, intended_use, limits_text
from roilab.run_folder import training_name

CARD_FILE = "README.md"  # the name that the Hugging Face Hub shows
_SHOWN = (
    "These are the evaluations in the folder of the run when this card was written. A later one "
    "is on the page of the run; `roilab export network=RUN` writes a card with it."
)


@dataclass(frozen=True)
class Card:
    """What a model card is made from.

    Attributes:
        recipe: the configuration that a checkpoint saves.
        point: mask threshold.
        metadata: of the network, as in ``model.json``, with the keys of ``card_metadata``.
        facts: of the training.
        file: name of the network's file.
        sha256: of that file.
    """

    recipe: Mapping[str, Any]
    point: WorkingPoint
    metadata: Mapping[str, Any]
    facts: TrainingFacts
    file: str
    sha256: str

    @property
    def measured(self) -> dict[str, float]:
        """Metrics of the validation: of the epoch, and at the mask threshold."""
        at = {f"val/{name}": value for name, value in self.point.metrics.items()}
        return {**self.facts.metrics, **at}


def card_metadata(
    recipe: Mapping[str, Any], point: WorkingPoint, facts: TrainingFacts, licence: str | None
) -> dict[str, Any]:
    """Return what the metadata of a network say about its training.

    Args:
        recipe: the configuration that a checkpoint saves.
        point: its mask threshold.
        facts: of the training.
        licence: SPDX name; ``None`` for that of the facts.

    Returns:
        ``detector``, ``licence`` and ``training``: date, epoch, events, simulations, earlier
        trainings, versions, commit, verdict.
    """
    detector = recipe["data"].get("detector") or {}
    return {
        "detector": str(detector.get("name") or "detector not named"),
        "licence": licence or facts.licence,
        "training": {
            "date": facts.date or None,
            "epoch": facts.epoch,
            "data": facts.data,
            "frames": list(facts.frames) or [UNKNOWN],
            "earlier": [dict(training) for training in facts.earlier],
            "versions": facts.versions,
            "git_commit": facts.commit,
            "verdict": facts.verdict(point).plain(),
        },
    }


def format_card(card: Card) -> str:
    """Return the model card: front matter of the Hugging Face Hub, then Markdown."""
    metadata, facts = card.metadata, card.facts
    planes, verdict = " and ".join(metadata["planes"]), facts.verdict(card.point)
    name = f"{metadata['network']} for ROI finding, plane {planes}"
    sections = {
        "Verdict": f"**{verdict.kind.value.capitalize()}.** {plain_text(verdict.sentence)}",
        "Intended use": intended_use(card.file, metadata),
        "Limits": limits_text(card.file, metadata, facts),
        "Facts": _facts(card),
        "Charge against gauss": _charge(facts),
        "Input": _input(card),
        "Mask threshold": threshold_text(card.point),
        "Training": _training(card),
        "Metrics": metrics_table(facts.metrics, card.point),
        "Figures": _figures(facts.figures),
    }
    head = front_matter(metadata, card.file, metadata["licence"], card.measured, facts.physics)
    body = "\n".join(f"## {title}\n\n{text}\n" for title, text in sections.items())
    title = f"# {plain_text(name)} of {plain_text(metadata['detector'])}"
    return f"{head}\n{title}\n\n{files_text(card.file)}\n\n{body}"


def _facts(card: Card) -> str:
    metadata, facts = card.metadata, card.facts
    versions = {**metadata["versions"], **facts.versions}
    # A training in this process has not recorded its commit yet, which is that of the export.
    commit = facts.commit if facts.versions else metadata["git_commit"]
    lines = {
        "detector": plain_text(metadata["detector"]),
        "planes": ", ".join(metadata["planes"]),
        "trained on": "simulation",
        "training events": _count(facts.data, "train"),
        "validation events": _count(facts.data, "val"),
        "kind of events": "<br>".join(plain_text(line) for line in facts.frames) or UNKNOWN,
        "licence": plain_text(metadata["licence"] or "not chosen yet; ask who trained it"),
        "date of training": facts.date or "not known",
        f"SHA-256 of `{card.file}`": f"`{card.sha256}`",
        "versions": plain_text(", ".join(f"{k} {v}" for k, v in versions.items())),
        "commit of roilab": plain_text(commit or "not known"),
    }
    if facts.earlier:
        lines["began with the weights of"] = "<br>".join(
            plain_text(describe_earlier(training)) for training in facts.earlier
        )
    return markdown_table(["", ""], list(lines.items()))


def _count(data: Mapping[str, Mapping[str, int]], stage: str) -> str:
    """Return the number of events and images of a stage."""
    counts = data.get(stage) or {}
    texts = [f"{int(counts[name]):,} {name}" for name in ("events", "images") if name in counts]
    return " in ".join(texts) + (" of planes" if "images" in counts else "") or "not known"


def _charge(facts: TrainingFacts) -> str:
    text = f"{charge_table(facts.physics)}\n\n{_SHOWN}"
    if not facts.physics:
        return text
    return (
        "Q_reco / Q_truth of single channels on tracks and showers of known angle (0: along the "
        "wire pitch, 90: along the drift), for the network and for the ROIs of classical signal "
        f"processing (gauss). Intervals contain 68 %.\n\n{text}"
    )


def _input(card: Card) -> str:
    metadata = card.metadata
    lines = {
        "layers, in this order": _names(metadata["layers"]),
        "ticks per slice": metadata["rebin"],
        "scale on the charge": f"{metadata['input_scale']:g}",
        "order of channels": "by channel id (`sort_chanids: true`)",
        "image": image_words(metadata),
        "mask": f"probability above {metadata['mask_thresh']:g}",
    }
    return markdown_table(["", ""], [[key, str(value)] for key, value in lines.items()])


def _training(card: Card) -> str:
    recipe, metadata, facts = card.recipe, card.metadata, card.facts
    data = recipe["data"]
    validation = _names(data["val_files"]) or f"{100 * data['val_fraction']:g}% of the events"
    truth = f"charge above {metadata['truth_threshold']:g} electrons per tick"
    lines = {
        "folder": code_span(data["dir"]) if data["dir"] else "not recorded",
        "training files": _names(data["train_files"]) or "all others",
        "validation files": validation,
        "truth": f"{truth}, padded by {metadata['pad']} {metadata['pad_unit']}",
        "loss": code_span(str(recipe["loss"]["_target_"]).rsplit(".", 1)[-1]),
        "images a batch": plain_text(data["batch_size"]),
        "seed": plain_text(metadata["seed"]),
    }
    distill = recipe.get("distill") or {}
    if distill.get("teacher") is not None:
        share = f"{100 * distill['share']:g} % of the target"
        lines["teacher"] = f"{code_span(training_name(Path(distill['teacher'])))}, {share}"
    if facts.epoch is not None:
        lines["weights"] = f"after epoch {facts.epoch + 1}"
    return markdown_table(["", ""], list(lines.items()))


def _figures(figures: Sequence[str]) -> str:
    links = [f"![{plain_text(Path(figure).stem)}]({quote(figure)})" for figure in figures]
    return "\n".join(links) or "No figures are available."


def _names(names: Sequence[str] | None) -> str:
    return ", ".join(code_span(name) for name in names or ())
