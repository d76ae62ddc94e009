"""Run one export: checkpoints in, a folder out."""

import logging
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from omegaconf import DictConfig, OmegaConf

from roilab.atomic_write import write_text
from roilab.building import build
from roilab.checksum import SUMS_FILE, add_sums, listed_names
from roilab.console import text_console
from roilab.export.anode import AnodeError, AnodeSettings, trained_planes
from roilab.export.network_files import check_absent, check_machine, check_node, export_network
from roilab.export.settings import ExportSettings
from roilab.export.sources import Source, read_sources
from roilab.inference import read_network
from roilab.model_card import copy_figures, network_facts
from roilab.wirecell import ANODE_FILE, anode_jsonnet

log = logging.getLogger(__name__)


def export(config: DictConfig) -> None:
    """Export networks, with a configuration composed from ``conf/export.yaml``.

    Raises:
        RoilabError: (its subclasses too) a mistake in the configuration or its files.
    """
    settings: ExportSettings = build("export", config.export)
    anode: AnodeSettings = build("anode", config.anode)
    check_machine(settings)
    folder, onnx = Path(config.run_dir), settings.format == "onnx"
    by_plane = _by_plane(config)
    network: Any = OmegaConf.to_container(config.network) if by_plane else config.network
    if onnx and by_plane:
        raise AnodeError(
            "export.format=onnx: networks by plane are for an anode of WCT, which runs only "
            "TorchScript. Export them one by one, or choose export.format=torchscript."
        )
    sources = read_sources(network, config.trust)
    if not onnx:
        for source in sources:
            check_node(source.network.recipe, str(source.checkpoint))
    text = "" if onnx else _anode_text(sources, anode)  # before an export, which takes time
    if text:
        check_absent([folder / ANODE_FILE])
    listed = []
    for source in sources:
        listed += _export_network(source, folder, settings)
    if text:
        write_text(folder / ANODE_FILE, text)
        add_sums(folder, [*listed, ANODE_FILE])
        _print("anode", folder / ANODE_FILE)


def _by_plane(config: DictConfig) -> bool:
    return isinstance(config.network, DictConfig)


def _anode_text(sources: Sequence[Source], settings: AnodeSettings) -> str:
    """Return the jsonnet of a complete anode."""
    metadata = {plane: source.metadata for source in sources for plane in source.planes}
    files = {
        plane: PurePosixPath(source.subfolder) / "model.ts"
        for source in sources
        for plane in source.planes
    }
    for plane, described in metadata.items():
        trained = trained_planes(described)
        if plane not in trained:
            log.warning(
                "network: that of plane %s was trained on %s; judge it on that plane first.",
                plane,
                " and ".join(trained),
            )
    return anode_jsonnet(files, settings.choose(metadata))


def _export_network(source: Source, output: Path, settings: ExportSettings) -> list[str]:
    """Write the files of a network; return their paths in ``output`` if it has a subfolder."""
    folder = output / source.subfolder
    file = folder / ("model.onnx" if settings.format == "onnx" else "model.ts")
    checkpoint, network = source.checkpoint, source.network
    facts = network_facts(checkpoint, read_network(checkpoint), network.working_point)
    linked = facts.in_subfolder("figures")
    export_network(network, file, settings, facts=linked)
    copy_figures(facts.folder, facts.figures, folder, linked.figures)
    if linked.figures:
        add_sums(folder, linked.figures)
    _print("model", file)
    if not source.subfolder:
        return []
    files = [folder / name for name in listed_names(folder)]
    return [path.relative_to(output).as_posix() for path in (*files, folder / SUMS_FILE)]


def _print(kind: str, file: Path) -> None:
    text_console().print(f"{kind:<10} {file}")
