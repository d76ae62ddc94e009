"""Checkpoints: which one to go on from, which is best, and what is in it."""

import logging
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from lightning import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins import TorchCheckpointIO

import roilab
from roilab.atomic_write import atomic_write
from roilab.errors import RoilabError
from roilab.train.module import RoiModule, build_module

log = logging.getLogger(__name__)


class CheckpointError(RoilabError):
    """A checkpoint is absent or is none of roilab's."""


class WholeCheckpoints(TorchCheckpointIO):
    """Writes checkpoints whole or not at all.

    Lightning goes through the system's folder for temporary files; where that is another disk,
    the last step is a copy, and what a killed process leaves is half a checkpoint.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write beside the place, then rename."""
        with atomic_write(Path(path)) as partial:
            with partial.open("wb") as stream:  # a path would put its name into the file
                torch.save(checkpoint, stream)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Contents of a checkpoint, on the CPU.

    Raises:
        CheckpointError: it is absent, broken, or was not written by roilab.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: there is no such checkpoint; check the path.") from error
    except Exception as error:
        # torch.load raises whatever the unpickler and the zip reader below it do.
        raise CheckpointError(
            f"{path}: cannot be read as a checkpoint ({type(error).__name__}); expected one "
            "written by roilab.train. It is broken or of another kind: name another."
        ) from error
    if not isinstance(checkpoint, dict) or "roilab_recipe" not in checkpoint:
        raise CheckpointError(
            f"{path}: holds no roilab recipe; expected a checkpoint written by roilab.train. Name "
            "another."
        )
    return checkpoint


def load_module(path: Path) -> RoiModule:
    """The module of a checkpoint with its weights, in evaluation mode, on the CPU.

    Raises:
        CheckpointError: see ``read_checkpoint``; or it was written by another version of roilab.
    """
    checkpoint = read_checkpoint(path)
    try:
        module = build_module(checkpoint["roilab_recipe"])
        module.load_state_dict(checkpoint["state_dict"])
    except (InstantiationException, KeyError, TypeError, RuntimeError) as error:
        # A key that its recipe has not, a class or argument that there is no more, other weights.
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{path}: written by roilab {checkpoint.get('roilab_version', '0.1.0 or older')}, "
            f"cannot be loaded by roilab {roilab.__version__} ({reason}). Use the version "
            "it was written by, or train again."
        ) from error
    return module.eval()


def best_checkpoint(trainer: Trainer) -> Path | None:
    """The best checkpoint of a run; ``None`` where none was written."""
    callback = trainer.checkpoint_callback
    if isinstance(callback, ModelCheckpoint) and callback.best_model_path:
        return Path(callback.best_model_path)
    return None


def resume_from(resume: str | None, run_dir: Path) -> Path | None:
    """The checkpoint to go on from.

    Args:
        resume: ``None`` to start anew, ``auto`` for the last checkpoint in ``run_dir`` (anew
            where there is none yet), or a checkpoint's path.
        run_dir: the run's folder.

    Raises:
        CheckpointError: the named checkpoint cannot be used.
    """
    if resume is None:
        return None
    if resume != "auto":
        path = Path(resume)
        read_checkpoint(path)
        return path
    found = sorted((run_dir / "checkpoints").glob("last*.ckpt"), key=lambda p: p.stat().st_mtime)
    if not found:
        log.info("resume=auto: no checkpoint in %s yet; starting anew", run_dir)
        return None
    read_checkpoint(found[-1])
    log.info("resuming from %s", found[-1])
    return found[-1]
