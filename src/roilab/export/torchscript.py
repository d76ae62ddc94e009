"""A trained network as the file that WCT's DNNROIFinding runs, and what goes with it."""

import json
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from roilab.export.card import CardFacts, model_card
from roilab.export.deliverable import Deliverable, image_size
from roilab.export.onnx import check_onnx, save_onnx
from roilab.export.parity import check_machine, check_parity
from roilab.export.settings import ExportError, ExportSettings
from roilab.inference import RoiProbability, TrainedNetwork
from roilab.inference.metadata import network_metadata
from roilab.wirecell import node_jsonnet
from roilab.wirecell.torchscript import load_torchscript, save_torchscript

log = logging.getLogger(__name__)

_NO_FACTS = CardFacts(None, {}, [])


def export_torchscript(
    network: TrainedNetwork,
    path: Path,
    settings: ExportSettings,
    *,
    overwrite: bool = False,
    facts: CardFacts = _NO_FACTS,
) -> dict[str, Any]:
    """Write a network's file and, beside it, its metadata, its model card and the node's jsonnet.

    The file is loaded back and compared with the network at three image sizes before any of them
    gets its name.

    Args:
        network: on the CPU; put into evaluation mode.
        path: such as ``model.ts``; ``model.json``, ``MODEL_CARD.md`` and ``dnnroi.jsonnet`` go
            beside it.
        settings: precision, memory and format.
        overwrite: replace what is there.
        facts: of the training, for the model card.

    Returns:
        The metadata.

    Raises:
        ExportError: (its subclasses too) a file exists, this machine cannot check the precision, or
            the outputs differ; no file is written.
    """
    check_machine(settings.precision)
    names = [path.name, path.with_suffix(".json").name, "MODEL_CARD.md", "dnnroi.jsonnet"]
    there = [name for name in names if (path.parent / name).exists()]
    if there and not overwrite:
        raise ExportError(
            f"{path.parent}: holds {', '.join(there)} already; nothing is overwritten. Name "
            "another output_dir, or remove them."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # A folder of its own in the same place, so that files get their names when all are whole.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        partial = Path(folder)
        save = _save_onnx if settings.format == "onnx" else _save_torchscript
        metadata = save(network.eval(), partial / path.name, path, settings)
        (partial / names[1]).write_text(json.dumps(metadata, indent=2) + "\n")
        (partial / names[2]).write_text(model_card(network.recipe, metadata, facts, path.name))
        (partial / names[3]).write_text(node_jsonnet(metadata, path.name))
        for name in names:
            (partial / name).replace(path.parent / name)
    log.info("exported %s", path)
    return metadata


def _save_torchscript(
    network: TrainedNetwork, partial: Path, path: Path, settings: ExportSettings
) -> dict[str, Any]:
    deliverable = Deliverable(network, settings)
    metadata = network_metadata(network.recipe)
    channels, slices = image_size(network.recipe)
    metadata["export"] = {
        "precision": settings.precision,
        "image": [channels, slices],
        "expected_memory_mb": round(deliverable.expected_mb),
        "steps_in_bands": deliverable.steps_in_bands,
    }
    save_torchscript(deliverable, partial, metadata)
    check: Callable[..., Any] = load_torchscript(partial)[0]
    differences = check_parity(
        RoiProbability(network), check, metadata["n_layers"], path, settings.precision
    )
    log.info("largest differences to the network: %s", differences)
    return metadata


def _save_onnx(
    network: TrainedNetwork, partial: Path, path: Path, settings: ExportSettings
) -> dict[str, Any]:
    if settings.precision != "float32":
        raise ExportError("export.format=onnx is exported in float32 alone; set export.precision.")
    metadata = network_metadata(network.recipe)
    probability = RoiProbability(network)
    save_onnx(probability, partial, metadata["n_layers"])
    check_parity(probability, check_onnx(partial), metadata["n_layers"], path, "float32")
    return metadata
