"""Sentences of a model card: files, intended use, limits."""

from collections.abc import Mapping
from typing import Any

from roilab.model_card.facts import TrainingFacts
from roilab.model_card.markdown import plain_text
from roilab.verdict import cell_number


def files_text(file: str) -> str:
    """Return which file holds what."""
    name, _, suffix = file.rpartition(".")
    if suffix == "safetensors":
        return (
            f"`{file}` holds the weights, `{name}.json` describes the network; `network={name}` is "
            "this network in every command of roilab."
        )
    configuration = "" if suffix == "onnx" else ", `dnnroi.jsonnet` configures the node"
    return f"`{file}` is the network, `{name}.json` describes its input{configuration}."


def intended_use(file: str, metadata: Mapping[str, Any]) -> str:
    """Return what the network is for, and how to use it."""
    planes, detector = " and ".join(metadata["planes"]), plain_text(metadata["detector"])
    lines = [
        f"It finds regions of interest (ROIs) in frames of {detector}, plane {planes}: the "
        "channels and ticks that contain charge, after the deconvolution of signal processing. "
        "For every channel and slice it gives a probability; the charge outside the mask is "
        "removed.",
        *_programs(file),
        "Not intended: measuring charge, energy or the kind of a particle, and finding ROIs in "
        "raw waveforms.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _programs(file: str) -> list[str]:
    argument = argument_of(file)
    if file.endswith(".onnx"):
        return ["It is for programs other than the Wire-Cell Toolkit, which cannot run ONNX."]
    roilab = (
        f"In roilab: `roilab predict network={argument} frames=FOLDER` writes the ROIs of your "
        f"frames; `roilab inspect {argument}` shows what is in the file."
    )
    return ["In the Wire-Cell Toolkit: the node `DNNROIFinding` runs it.", roilab]


def argument_of(file: str) -> str:
    """Return how commands of roilab name a network: a stored one by its name."""
    return file.removesuffix(".safetensors")


def limits_text(file: str, metadata: Mapping[str, Any], facts: TrainingFacts) -> str:
    """Return where the network must not be trusted."""
    lines = [
        "It was trained for one detector, these planes, and the noise, field and signal "
        "processing of its training frames. Others need another training.",
        "It was trained on simulation only: its figures do not include what differs in real data. "
        "Compare it with gauss on your data before you use it.",
        _judged(facts),
        "The mask threshold is that of its validation events. `roilab evaluate "
        f"network={argument_of(file)} sample=FOLDER` shows charge at other thresholds.",
        _memory(metadata.get("export") or {}),
    ]
    return "\n".join(f"- {line}" for line in lines)


def _judged(facts: TrainingFacts) -> str:
    """Return the angles at which it was compared with gauss."""
    angles = sorted({cell_number(row.get("theta_xz")) for row in facts.physics})
    if not angles:
        return "It was not compared with gauss on a sample of known angle; nobody knows its bias."
    few = [n for row in facts.physics if 0 < (n := cell_number(row.get("events"))) < 10]
    text = f"It was compared with gauss at {angles[0]:g} to {angles[-1]:g} degrees"
    note = f", at some angles on only {min(few):g} event{'s' * (min(few) > 1)}" if few else ""
    return f"{text}{note}. Other angles, energies and kinds of events were not measured."


def _memory(export: Mapping[str, Any]) -> str:
    if "image" not in export:
        return "The memory that it needs grows with the image."
    channels, slices = export["image"]
    memory = (
        f"One image of {channels} x {slices} takes up to about {export['expected_memory_mb']} "
        f"MB above the loaded file, in {export['precision']}; "
    )
    in_bands = export.get("form") == "bands"
    return memory + ("leave `nchunks` at 1." if in_bands else "`nchunks` above 1 saves memory.")


def image_words(metadata: Mapping[str, Any]) -> str:
    """Return the size of the images that the export was planned for."""
    image = (metadata.get("export") or {}).get("image")
    if image is None:
        return "any number of channels and slices"
    return f"{image[0]} channels x {image[1]} slices; any other size works"
