"""Write the files of an exported network."""

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from roilab.atomic_write import atomic_write, explain_full_disk, remove_leftovers
from roilab.checksum import SUMS_FILE, format_sums, sha256_file
from roilab.export.calibration import Calibration, read_calibration
from roilab.export.exported_network import image_size
from roilab.export.forms import CompiledNetwork, compile_network
from roilab.export.onnx import check_onnx, load_onnx, save_onnx
from roilab.export.parity import (
    LARGEST_SIZE,
    SMALL_SIZES,
    Parity,
    Probability,
    check_parity,
    check_precision,
    compare_on_images,
)
from roilab.export.settings import ExportError, ExportSettings
from roilab.inference import RoiProbability, TrainedNetwork
from roilab.inference.metadata import network_metadata
from roilab.model_card import CARD_FILE, Card, TrainingFacts, card_metadata, format_card
from roilab.wirecell import node_jsonnet
from roilab.wirecell.torchscript import load_torchscript, torchscript_content

log = logging.getLogger(__name__)

_JSONNET = "dnnroi.jsonnet"
_NO_FACTS = TrainingFacts()


def export_network(
    network: TrainedNetwork,
    path: Path,
    settings: ExportSettings,
    *,
    overwrite: bool = False,
    facts: TrainingFacts = _NO_FACTS,
) -> dict[str, Any]:
    """Write a network's file, metadata, model card and the node's jsonnet; return the metadata.

    An ONNX file has no jsonnet: WCT's ``TorchService`` runs only TorchScript.

    The network's file is loaded again and compared with the network, see ``check_parity``. All
    files are written under temporary names, then renamed, the network's file last.

    Args:
        network: on the CPU; put into evaluation mode.
        path: such as ``model.ts``; ``model.json``, the card, ``dnnroi.jsonnet`` and the checksums
            of all in ``SHA256SUMS`` go into the same folder.
        settings: precision, memory, format and licence.
        overwrite: replace existing files.
        facts: facts of the training, for the model card.

    Raises:
        ExportError: (its subclasses too) a file exists, this machine cannot check the precision, or
            the outputs differ; no file is written.
    """
    check_machine(settings)
    paths = _claim_paths(path, settings, overwrite)
    recipe, point = network.recipe, network.working_point
    described = network_metadata(recipe, point)
    described |= card_metadata(recipe, point, facts, settings.licence)
    with ExitStack() as files:  # renamed in reverse order when all are written
        partials = {file.name: files.enter_context(atomic_write(file)) for file in paths}
        with explain_full_disk(path, "nothing is exported"):  # here, since others are open too
            metadata = _save(network.eval(), partials[path.name], path, settings, described)
        _write_descriptions(network, path, partials, metadata, facts)
    log.info("exported %s", path)
    return metadata


def _claim_paths(path: Path, settings: ExportSettings, overwrite: bool) -> list[Path]:
    """Return all files of an export, that of the network first and the checksums last.

    Temporary files of an interrupted export are removed.
    """
    names = [path.with_suffix(".json").name, CARD_FILE]
    if settings.format == "torchscript":
        names.append(_JSONNET)
    paths = [path, *(path.with_name(name) for name in (*names, SUMS_FILE))]
    if not overwrite:
        check_absent(paths)
    for file in paths:
        remove_leftovers(file.parent, file.name)
    return paths


def _write_descriptions(
    network: TrainedNetwork,
    path: Path,
    partials: Mapping[str, Path],
    metadata: Mapping[str, Any],
    facts: TrainingFacts,
) -> None:
    """Write the files beside that of the network.

    Args:
        network: the network.
        path: of its file, which is written already.
        partials: temporary path of every file, by its name.
        metadata: of the network.
        facts: of its training.
    """
    partials[path.with_suffix(".json").name].write_text(json.dumps(metadata, indent=2) + "\n")
    described = (network.recipe, network.working_point, metadata, facts)
    card = Card(*described, path.name, sha256_file(partials[path.name]))
    partials[CARD_FILE].write_text(format_card(card))
    if _JSONNET in partials:
        partials[_JSONNET].write_text(node_jsonnet(metadata, path.name))
    listed = [(name, partial) for name, partial in partials.items() if name != SUMS_FILE]
    partials[SUMS_FILE].write_text(format_sums(listed))


def check_machine(settings: ExportSettings) -> None:
    """Check that this machine and its packages can export with these settings.

    Raises:
        ExportError: (its subclasses too) they cannot.
    """
    check_precision(settings.precision)
    if settings.precision == "int8" and settings.calibration is None:
        raise ExportError(
            "export.precision=int8: its numbers are calibrated on frames; give a folder like that "
            "of the training, export.calibration=FOLDER."
        )
    if settings.format == "onnx":
        check_onnx(settings.precision)


def check_node(recipe: Mapping[str, Any], what: str) -> None:
    """Check that WCT's node can run a network; it averages over ticks, not over channels.

    Args:
        recipe: of the network.
        what: file or setting that the message names.

    Raises:
        ExportError: it cannot.
    """
    rebin = recipe["data"]["channel_rebin"]
    if rebin != 1:
        raise ExportError(
            f"{what}: trained with data.channel_rebin={rebin}; WCT's node averages over ticks "
            "only, so it cannot run this network. Train with 1, or without an export: "
            "callbacks.export=null."
        )


def check_absent(paths: Sequence[Path]) -> None:
    """Check that no file of a folder exists yet.

    Raises:
        ExportError: one exists.
    """
    existing = [path.name for path in paths if path.exists()]
    if existing:
        raise ExportError(
            f"{paths[0].parent}: holds {', '.join(existing)} already; nothing is overwritten. Name "
            "another output_dir, or remove them."
        )


def _save(
    network: TrainedNetwork,
    partial: Path,
    path: Path,
    settings: ExportSettings,
    described: Mapping[str, Any],
) -> dict[str, Any]:
    """Write and compare the file; return its metadata and the parity, which the file lacks."""
    probability, metadata = RoiProbability(network), dict(described)
    n_layers, (height, width) = metadata["n_layers"], image_size(network.recipe)
    sizes = (*SMALL_SIZES, (min(height, LARGEST_SIZE[0]), min(width, LARGEST_SIZE[1])))

    calibration = Calibration((), ())
    if settings.calibration is not None and settings.precision == "int8":
        calibration = read_calibration(network.recipe, Path(settings.calibration))

    def check(loaded: Probability) -> Parity:
        if calibration.compared:
            images, thresh = calibration.compared, network.working_point.mask_thresh
            parity, changed = compare_on_images(probability, loaded, images, thresh, path)
            metadata["export"]["changed_mask_pixels"] = changed
            return parity
        return check_parity(probability, loaded, n_layers, sizes, path, settings.precision)

    def save_and_check(compiled: CompiledNetwork) -> Parity:
        metadata["export"] = {
            "form": compiled.form,
            "precision": settings.precision,
            "image": [height, width],
            "expected_memory_mb": round(compiled.expected_mb),
            "steps_in_bands": compiled.steps_in_bands,
        }
        partial.write_bytes(torchscript_content(compiled.module, metadata))
        return check(load_torchscript(partial)[0])

    if settings.format == "onnx":
        metadata["export"] = {"precision": settings.precision}
        save_onnx(probability, partial, n_layers)
        parity = check(load_onnx(partial))
    else:
        _, parity = compile_network(network, settings, save_and_check, calibration.images)
    log.info("%s differences to the network: %s", parity.measure, parity.differences)
    metadata["export"] |= parity.metadata()
    return metadata
