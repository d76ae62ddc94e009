"""Run one export: a checkpoint in, a folder out."""

from pathlib import Path

from omegaconf import DictConfig

from roilab.building import build
from roilab.console import table_console
from roilab.export.network_files import export_network
from roilab.export.settings import ExportSettings
from roilab.inference import load_network, network_file, read_network
from roilab.model_card import copy_figures, network_facts


def export(config: DictConfig) -> None:
    """Export a network, with a configuration composed from ``conf/export.yaml``.

    Raises:
        RoilabError: (its subclasses too) a mistake in the configuration or its files.
    """
    settings: ExportSettings = build("export", config.export)
    checkpoint, folder = network_file(config.network), Path(config.run_dir)
    network = load_network(checkpoint, config.trust)
    file = folder / ("model.onnx" if settings.format == "onnx" else "model.ts")
    facts = network_facts(checkpoint, read_network(checkpoint), network.working_point)
    linked = facts.in_subfolder("figures")
    export_network(network, file, settings, facts=linked)
    copy_figures(facts.folder, facts.figures, folder, linked.figures)
    table_console().print(f"model      {file}", soft_wrap=True, highlight=False)
