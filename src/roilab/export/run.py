"""One export by command: checkpoint in, folder out."""

import shutil
from dataclasses import replace
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from roilab.console import table_console
from roilab.export.card import CardFacts, facts_of_run
from roilab.export.settings import ExportSettings
from roilab.export.torchscript import export_torchscript
from roilab.inference import load_network, read_checkpoint


def export(config: DictConfig) -> None:
    """Export a checkpoint.

    Args:
        config: composed from ``conf/export.yaml``.

    Raises:
        RoilabError: (its subclasses too) anything the user can mend.
    """
    settings: ExportSettings = instantiate(config.export)
    checkpoint, folder = Path(config.ckpt_path), Path(config.run_dir)
    network = load_network(checkpoint)
    file = folder / ("model.onnx" if settings.format == "onnx" else "model.ts")
    # A run keeps its checkpoints in a folder of their own.
    run_dir = checkpoint.resolve().parent.parent
    facts = facts_of_run(run_dir, int(read_checkpoint(checkpoint)["epoch"]))
    names = _figure_names(facts)
    export_torchscript(network, file, settings, facts=replace(facts, figures=list(names.values())))
    for source, name in names.items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(run_dir / source, folder / name)
    table_console().print(f"model      {file}", soft_wrap=True, highlight=False)


def _figure_names(facts: CardFacts) -> dict[str, str]:
    """Where the run's figures go in the delivered folder."""
    return {figure: f"figures/{figure.replace('/', '-')}" for figure in facts.figures}
