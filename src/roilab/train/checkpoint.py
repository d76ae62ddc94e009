"""Write checkpoints atomically; find the one to resume from and the best one."""

import io
import logging
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins import TorchCheckpointIO

from roilab.atomic_write import atomic_write
from roilab.inference import read_checkpoint

log = logging.getLogger(__name__)


class AtomicCheckpoints(TorchCheckpointIO):
    """Write checkpoints through the atomic writer.

    Lightning writes into the system's temporary folder first; where that is another disk, the
    last step is a copy, and a process killed in it leaves half a checkpoint.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write the checkpoint to ``path``."""
        # Given a path, torch would put its name into the file, and raise an error of another
        # kind where no space is left.
        content = io.BytesIO()
        torch.save(checkpoint, content)
        with atomic_write(Path(path)) as partial:
            partial.write_bytes(content.getbuffer())


def best_checkpoint(trainer: Trainer) -> Path | None:
    """Return the best checkpoint of a run; ``None`` where none was written."""
    callback = trainer.checkpoint_callback
    if isinstance(callback, ModelCheckpoint) and callback.best_model_path:
        return Path(callback.best_model_path)
    return None


def resume_from(resume: str | None, run_dir: Path) -> Path | None:
    """Return the checkpoint to resume from; ``None`` for a new start.

    ``resume`` is ``None`` for a new start, ``auto`` for the last checkpoint in ``run_dir`` (a new
    start where there is none yet), or the path of a checkpoint.

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
