"""Write folders like those of training runs and sweeps, without training."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

HEADER = "epoch,step,train/loss,val/loss,val/dice,val/roi_efficiency,best/loss,best/dice"
CONFIG = """
seed: 1
model: {net: {_target_: roilab.models.UNet}, mask_thresh: 0.5}
data: {dir: '${oc.env:FRAMES,frames}', rebin: 10, threshold: 100, planes: [V], layers: [loose_lf]}
optimizer: {lr: 0.1}
trainer: {max_epochs: 2}
run_dir: ${hydra:runtime.output_dir}
"""


def write_log(folder: Path, losses: Sequence[float], *, finished: bool = True) -> None:
    """Write CSV logs: training loss = half the validation loss, Dice = 1 - validation loss."""
    lines = [HEADER]
    for epoch, loss in enumerate(losses):
        lines += [f"{epoch},1,,{loss},{1 - loss},0.9,,", f"{epoch},1,{loss / 2},,,,,"]
    if finished and losses:
        lines.append(f"{len(losses)},2,,,,,{min(losses)},{1 - min(losses)}")
    (folder / "csv" / "version_0").mkdir(parents=True)
    (folder / "csv" / "version_0" / "metrics.csv").write_text("\n".join(lines) + "\n")


def write_config(folder: Path, overrides: Sequence[str]) -> None:
    """Write the files in which Hydra saves the composed configuration."""
    (folder / ".hydra").mkdir(parents=True, exist_ok=True)
    (folder / ".hydra" / "config.yaml").write_text(CONFIG)
    choices = "hydra: {runtime: {choices: {model: unet, loss: bce}, config_sources: []}}"
    (folder / ".hydra" / "hydra.yaml").write_text(choices)
    (folder / ".hydra" / "overrides.yaml").write_text(
        "".join(f"- {text}\n" for text in overrides) or "[]"
    )


def write_status(folder: Path, state: str, swept: Mapping[str, Any], **more: Any) -> None:
    """Write ``status.json`` of a job."""
    status = {
        "format": 1, "state": state, "number": 0, "swept": dict(swept), "error": None,
        "overrides": [f"{key}={value}" for key, value in swept.items()], "seconds": 75.0,
        "host": "elsewhere", "pid": 1, "results": None,
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "status.json").write_text(json.dumps(status | more))


def write_picture(path: Path) -> None:
    figure = Figure(figsize=(1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def write_run(folder: Path, losses: Sequence[float], swept: Mapping[str, Any]) -> None:
    """Write a finished job of a sweep."""
    write_log(folder, losses)
    write_config(folder, ["model=unet", *(f"{key}={value}" for key, value in swept.items())])
    results = {
        "metrics": {"val/loss": min(losses), "val/dice": 1 - min(losses)}, "epochs": len(losses),
        "best_epoch": losses.index(min(losses)), "parameters": 1234567,
        "memory_mb": {"process": 900.0}, "optimized_metric": None, "value": None,
    }  # fmt: skip
    write_status(folder, "finished", swept, results=results)
    write_picture(folder / "pictures" / "loss.png")


def write_sweep(folder: Path) -> None:
    """Write rebin 4 and 10 by threshold 50, 100, 200; one job failed, killed and not started."""
    names = []
    for rebin in (4, 10):
        for number, threshold in enumerate((50, 100, 200)):
            swept = {"data.rebin": rebin, "data.threshold": threshold}
            job = folder / f"rebin-{rebin}+threshold-{threshold}"
            names.append(job.name)
            if (rebin, threshold) == (10, 50):
                write_status(job, "failed", swept, error="the training loss is <nan> at epoch 0.")
            elif (rebin, threshold) == (10, 100):
                write_config(job, [f"{key}={value}" for key, value in swept.items()])
                write_log(job, [0.5], finished=False)
                write_status(job, "interrupted", swept)
            elif (rebin, threshold) != (10, 200):
                write_run(job, [0.5, 0.4 / rebin + 0.01 * number, 0.2], swept)
    (folder / "sweep.json").write_text(json.dumps({"format": 1, "jobs": names}))
