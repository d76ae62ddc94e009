"""Export the best network at the end of a training."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from lightning import Callback, Trainer

from roilab.export.forms import try_export
from roilab.export.network_files import check_machine, check_node, export_network
from roilab.export.settings import ExportSettings
from roilab.inference import TrainedNetwork, read_checkpoint
from roilab.model_card import read_training_facts
from roilab.train.checkpoint import best_checkpoint
from roilab.train.module import RoiModule


class ExportTorchScript(Callback):
    """Export the best checkpoint to TorchScript; the last weights where there is none.

    The training calls ``check`` before its first step, and ``export`` when the mask threshold is
    chosen. Metadata, model card and jsonnet are written into the folder of ``path``.
    """

    def __init__(self, path: str, settings: ExportSettings) -> None:
        self.path, self.settings = Path(path), settings

    def check(self, module: RoiModule) -> str:
        """Try the export at a small image size before the training; nothing is written.

        Returns:
            Form and expected memory, for a table.

        Raises:
            ExportError: the network cannot be exported.
        """
        check_machine(self.settings)
        if self.settings.format == "onnx":
            return "ONNX, not tried"
        check_node(module.recipe, "callbacks.export")
        training = [(part, part.training) for part in module.net.modules()]
        with torch.random.fork_rng(devices=[]):
            network = TrainedNetwork(module.recipe, module.net).eval()
            compiled = try_export(network, self.settings)
        for part, mode in training:
            part.training = mode
        how = "in bands of channels" if compiled.form == "bands" else f"torch.jit.{compiled.form}"
        return f"{how}, {self.settings.precision}, about {compiled.expected_mb:.0f} MB for an image"

    def export(self, trainer: Trainer, module: RoiModule) -> dict[str, object]:
        """Export, and return the metadata of the network."""
        best = best_checkpoint(trainer)
        # Built as this training composed it, not as the checkpoint says.
        network = TrainedNetwork(module.recipe, working_point=module.working_point)
        checkpoint = None if best is None else read_checkpoint(best)
        state = module.state_dict() if checkpoint is None else checkpoint["state_dict"]
        network.load_weights_of(state)
        epoch = module.current_epoch if checkpoint is None else int(checkpoint["epoch"])
        described = (module.recipe, network.working_point)
        facts = read_training_facts(self.path.parent, epoch, *described)
        # The status file gets its results, versions and end after the export.
        counts = trainer.datamodule.counts()  # type: ignore[attr-defined]
        today = datetime.now(UTC).date().isoformat()
        facts = replace(facts, data=counts, date=facts.date or today, earlier=module.earlier)
        # A resumed run replaces its earlier export.
        return export_network(network, self.path, self.settings, overwrite=True, facts=facts)
