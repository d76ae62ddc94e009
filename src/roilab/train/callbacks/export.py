"""The deliverable of a run: its best network as TorchScript."""

from pathlib import Path

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger

from roilab.export.card import facts_of_run
from roilab.export.settings import ExportSettings
from roilab.export.torchscript import export_torchscript
from roilab.train.checkpoint import best_checkpoint, load_module, read_checkpoint
from roilab.train.module import RoiModule, build_module


class ExportTorchScript(Callback):
    """Writes the TorchScript file of the best checkpoint (or of the last state without one).

    Args:
        path: such as ``model.ts`` in the run's folder; metadata, model card and jsonnet go beside
            it.
        settings: the group ``export``.
    """

    def __init__(self, path: str, settings: ExportSettings) -> None:
        self.path, self.settings = Path(path), settings

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Export, and log the file as an artifact where W&B is on."""
        assert isinstance(pl_module, RoiModule)
        if not trainer.is_global_zero:
            return
        best = best_checkpoint(trainer)
        if best is not None:
            module = load_module(best)
        else:
            module = build_module(pl_module.recipe)
            module.load_state_dict(pl_module.state_dict())
        epoch = pl_module.current_epoch if best is None else int(read_checkpoint(best)["epoch"])
        facts = facts_of_run(self.path.parent, epoch)
        # In the run's own folder a resumed run goes on; what it wrote before gives way.
        metadata = export_torchscript(module, self.path, self.settings, overwrite=True, facts=facts)
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                _log_artifact(logger, self.path, metadata)


def _log_artifact(logger: WandbLogger, path: Path, metadata: dict[str, object]) -> None:
    import wandb

    artifact = wandb.Artifact(f"model-{logger.experiment.id}", type="model", metadata=metadata)
    artifact.add_file(str(path))
    artifact.add_file(str(path.with_suffix(".json")))
    logger.experiment.log_artifact(artifact)
