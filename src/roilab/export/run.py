"""Run one export: a checkpoint in, a folder out."""

import shutil
from dataclasses import replace
from pathlib import Path

from omegaconf import DictConfig

from roilab.atomic_write import atomic_write
from roilab.building import build
from roilab.console import table_console
from roilab.export.model_card import read_training_facts, stored_facts
from roilab.export.network_files import export_network
from roilab.export.settings import ExportSettings
from roilab.inference import load_network, network_file, read_network


def export(config: DictConfig) -> None:
    """Export a network, with a configuration composed from ``conf/export.yaml``.

    Raises:
        RoilabError: (its subclasses too) a mistake in the configuration or its files.
    """
    settings: ExportSettings = build("export", config.export)
    checkpoint, folder = network_file(config.network), Path(config.run_dir)
    network = load_network(checkpoint, config.trust)
    file = folder / ("model.onnx" if settings.format == "onnx" else "model.ts")
    run_dir = checkpoint.resolve().parent.parent  # a run keeps checkpoints in RUN/checkpoints
    content = read_network(checkpoint)
    if "training" in content:  # of a stored network, which has no folder of a run
        facts = stored_facts(content["training"])
    else:
        facts = read_training_facts(run_dir, int(content["epoch"]))
    names = {figure: f"figures/{figure.replace('/', '-')}" for figure in facts.figures}
    export_network(network, file, settings, facts=replace(facts, figures=list(names.values())))
    for source, name in names.items():
        with atomic_write(folder / name) as partial:
            shutil.copyfile(run_dir / source, partial)
    table_console().print(f"model      {file}", soft_wrap=True, highlight=False)
