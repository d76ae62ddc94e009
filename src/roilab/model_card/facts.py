"""Facts of a training that a recipe does not hold: from the folder of a run, or as stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from roilab.csv_log import read_curves
from roilab.inference import WorkingPoint
from roilab.model_card.earlier import EARLIER
from roilab.model_card.figures import find_figures
from roilab.model_card.frames import describe_frames
from roilab.run_folder import run_checkpoint, run_of, status_contents
from roilab.types import Row
from roilab.verdict import Verdict, judge_training, read_run_tables

# Columns of a table of charge metrics that a stored network keeps.
_WITH_BOUNDS = ("bias", "resolution", "inefficiency", "charge_profile")
_KEPT = (
    *("plane", "sample", "energy", "theta_xz", "method", "events"),
    *(f"{name}{end}" for name in _WITH_BOUNDS for end in ("", "_low", "_high")),
    *("roi_efficiency", "roi_purity"),
)


@dataclass(frozen=True)
class TrainingFacts:
    """Facts of a training.

    Attributes:
        epoch: of the checkpoint, counted from 0; ``None`` where it is not known.
        metrics: values of that epoch, by name.
        data: number of files, events and images by stage: ``{"train": {"images": 90}}``.
        frames: a line for every simulation whose frames were read; empty where it is not known.
        earlier: trainings that led to the weights it began with, see ``trainings_behind``.
        physics: rows of the charge metrics; empty where the network was not evaluated.
        date: on which it was trained, such as ``2026-11-28``; empty where it is not known.
        versions: of the packages that it was trained with.
        commit: of roilab; ``None`` where it is not known.
        licence: SPDX name; ``None`` where nobody has chosen one.
        folder: where the figures lie.
        figures: their paths in ``folder``, which are also the links of the card.
    """

    epoch: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    data: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    frames: Sequence[str] = ()
    earlier: Sequence[Mapping[str, Any]] = ()
    physics: Sequence[Row] = ()
    date: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str | None = None
    licence: str | None = None
    folder: Path = Path()
    figures: Sequence[str] = ()

    def verdict(self, point: WorkingPoint) -> Verdict:
        """Return the verdict on the network with this mask threshold."""
        measured = {f"val/{name}": value for name, value in point.metrics.items()}
        return judge_training(self.physics, {**self.metrics, **measured}, point.plain())

    def in_subfolder(self, name: str) -> "TrainingFacts":
        """Return the facts of a card whose figures are copied to a folder beside it."""
        names = [f"{name}/{figure.replace('/', '-')}" for figure in self.figures]
        return replace(self, figures=names)

    def plain(self) -> dict[str, Any]:
        """Return what a stored network keeps, in plain containers."""
        rows = [{name: row[name] for name in _KEPT if row.get(name)} for row in self.physics]
        return {
            "best_epoch": self.epoch,
            "metrics": dict(self.metrics),
            "data": {stage: dict(counts) for stage, counts in self.data.items()},
            "frames": list(self.frames),
            "earlier": [dict(training) for training in self.earlier],
            "physics": rows,
            "date": self.date,
            "versions": dict(self.versions),
            "git_commit": self.commit,
            "figures": list(self.figures),
        }


def network_facts(path: Path, content: Mapping[str, Any], point: WorkingPoint) -> TrainingFacts:
    """Return the facts of the training of a checkpoint or of a stored network.

    Args:
        path: of the checkpoint, in the folder of its run, or of the weights of a stored network.
        content: of that file, see ``roilab.inference.read_network``.
        point: its mask threshold.

    Raises:
        PhysicsTableError: a table of charge metrics cannot be read.
    """
    if "training" in content:
        return stored_facts(content, path.parent)
    run_dir, epoch, recipe = run_of(path), int(content["epoch"]), content["roilab_recipe"]
    if run_dir is None:
        facts = TrainingFacts(epoch=epoch, frames=describe_frames(recipe["data"]))
    else:
        facts = read_training_facts(run_dir, epoch, recipe, point)
    return replace(facts, earlier=content.get(EARLIER) or ())


def read_training_facts(
    run_dir: Path, epoch: int, recipe: Mapping[str, Any], point: WorkingPoint
) -> TrainingFacts:
    """Read the facts of a training from its folder, with all evaluations in it.

    Args:
        run_dir: folder of the run; what is not there is left out.
        epoch: of the checkpoint, counted from 0.
        recipe: that the checkpoint saves.
        point: its mask threshold.

    Raises:
        PhysicsTableError: a table of charge metrics cannot be read.
    """
    curves = {name: dict(points) for name, points in read_curves(run_dir / "csv").items()}
    logged = {name: points[epoch] for name, points in curves.items()
              if name.startswith("val/") and epoch in points}  # fmt: skip
    status = status_contents(run_dir)
    results = status.get("results") or {}
    # The charge metrics of a run are those of its best checkpoint.
    best = point.epoch is None or point.epoch == epoch
    tables = read_run_tables(run_dir, point.mask_thresh) if best else []
    return TrainingFacts(
        epoch=epoch,
        metrics=logged,
        data=results.get("data") or {},
        frames=describe_frames(recipe["data"]),
        physics=[row for table in tables for row in table.rows],
        date=str(status.get("ended") or "")[:10] or _date_of_checkpoint(run_dir),
        versions=status.get("versions") or {},
        commit=status.get("git_commit"),
        folder=run_dir,
        figures=find_figures(run_dir, tables),
    )


def stored_facts(content: Mapping[str, Any], folder: Path) -> TrainingFacts:
    """Return the facts of a stored network, see ``TrainingFacts.plain``.

    Args:
        content: of its JSON file.
        folder: in which that lies.
    """
    training = content["training"]
    metrics = training.get("metrics") or {}
    return TrainingFacts(
        epoch=training.get("best_epoch"),
        metrics={k: v for k, v in metrics.items() if k.startswith("val/") and v is not None},
        data=training.get("data") or {},
        frames=training.get("frames") or (),
        earlier=training.get("earlier") or (),
        physics=training.get("physics") or (),
        date=str(training.get("date") or training.get("ended") or "")[:10],
        versions=training.get("versions") or {},
        commit=training.get("git_commit"),
        licence=content.get("licence"),
        folder=folder,
        figures=training.get("figures") or (),
    )


def _date_of_checkpoint(run_dir: Path) -> str:
    """Return the day on which the best checkpoint was written."""
    checkpoint = run_checkpoint(run_dir)
    if checkpoint is None:
        return ""
    return datetime.fromtimestamp(checkpoint.stat().st_mtime, UTC).date().isoformat()
