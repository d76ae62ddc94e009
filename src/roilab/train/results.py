"""Results of a training, as ``status.json`` holds them, and the table printed at its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roilab.verdict import Verdict


@dataclass(frozen=True)
class Results:
    """Results of a training."""

    metrics: dict[str, float]  # (val/loss, ...) of the best checkpoint, or of the last state
    optimized_metric: str | None  # name of the metric that a sweeper optimizes
    value: float | None  # of that metric
    epochs: int  # number of trained epochs
    best_epoch: int | None  # of the best checkpoint, from 0
    parameters: int  # number of parameters of the network
    memory_mb: dict[str, float]  # peak since the training began, by place (process, GPU) [MB]
    checkpoint: str | None = None  # best checkpoint, relative to the folder of the run
    # Numbers of files, events and images by stage: {"train": {"files": 6, ...}, "val": ...}
    data: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    # Mask threshold at which the metrics hold, and how it was chosen: ``WorkingPoint.plain``
    working_point: Mapping[str, Any] = field(default_factory=dict)
    # On the network against classical ROIs: ``Verdict.plain``
    verdict: Mapping[str, str] = field(default_factory=dict)
    # Reason by event or file that was left out (data.on_error=skip)
    left_out: Mapping[str, str] = field(default_factory=dict)


def relative_checkpoint(path: Path | None, run_dir: Path) -> str | None:
    """Return the path of a checkpoint relative to its run, so that the run can be moved."""
    if path is None:
        return None
    path, run_dir = path.resolve(), run_dir.resolve()
    return str(path.relative_to(run_dir) if path.is_relative_to(run_dir) else path)


def _masks(results: Results) -> str:
    """Return at which mask threshold the metrics hold, in words."""
    thresh = results.working_point.get("mask_thresh")
    return "" if thresh is None else f", mask above {thresh:g}"


def print_results(results: Results, run_dir: Path, seconds: float) -> None:
    """Print metrics, memory, and the paths of the files that exist in the folder of the run."""
    from rich.table import Table  # takes time to import, which --help has no use for

    from roilab.console import print_verdict, table_console

    best = None if results.checkpoint is None else run_dir / results.checkpoint
    table = Table(title=f"{results.epochs} epochs in {seconds:.0f} s", title_justify="left")
    table.add_column(f"of the {'best checkpoint' if best else 'last state'}{_masks(results)}")
    table.add_column("value", justify="right")
    for name, value in sorted(results.metrics.items()):
        table.add_row(name, "" if value is None else f"{value:.4f}")
    for place, megabytes in results.memory_mb.items():
        table.add_row(f"peak memory of the {place}", f"{megabytes:.0f} MB")
    console = table_console()
    console.print(table)
    if note := results.working_point.get("note"):
        console.print(f"mask_thresh: {note}", soft_wrap=True, highlight=False)
    if (verdict := Verdict.from_plain(results.verdict)) is not None:
        print_verdict(console, str(verdict), verdict.colour)
    for name, reason in results.left_out.items():
        text = f"left out   {name}: {reason}"
        console.print(text, soft_wrap=True, highlight=False)
    paths = {
        "checkpoint": best,
        "model": run_dir / "model.ts",
        "pictures": run_dir / "pictures",
        "physics": run_dir / "physics",
    }
    for name, path in paths.items():
        if path is not None and path.exists():
            console.print(f"{name:10} {path}", soft_wrap=True, highlight=False)
