"""The checkpoint of a run, found by the files in the run's folder, and its status file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def run_checkpoint(folder: Path) -> Path | None:
    """Return the best checkpoint of a run, else the last one; ``None`` where there is none.

    The best is the one that ``status.json`` names; before the run has finished, the newest that
    is called ``best``.
    """
    recorded = _recorded(folder)
    if recorded is not None and recorded.is_file():
        return recorded
    best, last = (
        sorted((folder / "checkpoints").glob(f"{name}*.ckpt"), key=lambda p: p.stat().st_mtime)
        for name in ("best", "last")
    )
    return (best or last)[-1] if best or last else None


def run_of(checkpoint: Path) -> Path | None:
    """Return the folder of a checkpoint's run, RUN of ``RUN/checkpoints/best.ckpt``.

    It is ``None`` for a checkpoint that lies elsewhere: folders around it belong to others.
    """
    folder = checkpoint.resolve().parent
    return folder.parent if folder.name == "checkpoints" else None


def training_name(network: Path) -> str:
    """Return the name of the training of a network's file: its run folder, else the file."""
    run = run_of(network)
    return network.name if run is None else run.name


def status_contents(folder: Path) -> Mapping[str, Any]:
    """Return the contents of a run's status file; empty where it cannot be read."""
    try:
        content = json.loads((folder / "status.json").read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _recorded(folder: Path) -> Path | None:
    results = status_contents(folder).get("results")
    # Not finished, or not written by this version.
    name = results.get("checkpoint") if isinstance(results, dict) else None
    return folder / name if isinstance(name, str) else None
