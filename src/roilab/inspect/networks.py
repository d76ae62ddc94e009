"""What the file of a network says about it: input, training, verdict."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roilab.checksum import sha256_file
from roilab.errors import RoilabError
from roilab.inference import WorkingPoint, network_file, read_network
from roilab.inference.checkpoint import WORKING_POINT
from roilab.inference.metadata import recipe_metadata
from roilab.inspect.kinds import NETWORK_ENDINGS
from roilab.model_card import card_metadata, describe_earlier, network_facts
from roilab.verdict import Verdict
from roilab.wirecell.torchscript import load_torchscript

Facts = dict[str, str]
_ABSENT = "not recorded"
_LONGEST = 2000  # of a text out of a file


class NetworkDescriptionError(RoilabError):
    """A JSON file does not describe a network."""


def describe_network(argument: str) -> tuple[Path, Facts]:
    """Return the file of a network, and what it says, in words, by name.

    Args:
        argument: a file, the folder of a run, or the name of a reference network.

    Raises:
        RoilabError: (its subclasses) the file is absent, damaged or of another kind.
    """
    file = network_file(argument)
    metadata = _metadata(file)
    facts = {
        "kind": NETWORK_ENDINGS.get(file.suffix, file.suffix),
        "size": f"{file.stat().st_size / 1e6:.2f} MB",
        "SHA-256": sha256_file(file),
    }
    if not metadata:
        return file, facts | {"metadata": "none of roilab: it was written by another program"}
    known = {**_input(metadata), **_training(metadata), **_export(metadata)}
    return file, facts | {name: _shown(value) for name, value in known.items()}


def _metadata(file: Path) -> Mapping[str, Any]:
    """Return the metadata of a network, with those of its training."""
    if file.suffix == ".ts":
        return load_torchscript(file)[1]
    if file.suffix == ".json":
        content = _read_json(file)
        if "recipe" not in content:
            return content
        file = file.with_suffix(".safetensors")
    content = read_network(file)
    recipe, plain = content["roilab_recipe"], content.get(WORKING_POINT)
    point = WorkingPoint.at_start(recipe) if plain is None else WorkingPoint.from_plain(plain)
    metadata = recipe_metadata(recipe, point, file)
    metadata.pop("git_commit"), metadata.pop("versions")  # of this process
    return metadata | card_metadata(recipe, point, network_facts(file, content, point), None)


def _read_json(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_text())
    except ValueError as error:
        raise NetworkDescriptionError(
            f"{file}: is no JSON ({error}); expected the description of a network, such as "
            "model.json. Name another file."
        ) from error
    if not isinstance(content, dict) or not content.keys() & {"layers", "recipe"}:
        raise NetworkDescriptionError(
            f"{file}: does not describe a network; expected one such as model.json of an export. "
            "Name another file."
        )
    return content


def _input(metadata: Mapping[str, Any]) -> dict[str, Any]:
    point = metadata.get("working_point") or {}
    rule = point.get("rule") if isinstance(point, Mapping) else None
    pad = f"padded by {metadata.get('pad')} {metadata.get('pad_unit')}"
    return {
        "network": metadata.get("network"),
        "class": metadata.get("network_class"),
        "detector": metadata.get("detector"),
        "planes": metadata.get("planes"),
        "layers": metadata.get("layers"),
        "rebin": f"{metadata.get('rebin')} ticks per slice",
        "scale": metadata.get("input_scale"),
        "mask threshold": f"{metadata.get('mask_thresh')}" + (f", {rule}" if rule else ""),
        "truth": f"charge above {metadata.get('truth_threshold')} electrons per tick, {pad}",
    }


def _training(metadata: Mapping[str, Any]) -> dict[str, Any]:
    found = metadata.get("training")
    training = found if isinstance(found, Mapping) else {}
    epoch = training.get("epoch")
    counts = training.get("data") or {}
    known = [one for one in training.get("earlier") or () if isinstance(one, Mapping)]
    earlier = "; then ".join(map(describe_earlier, known))
    facts = {
        "verdict": Verdict.from_plain(training.get("verdict")),
        "trained on": training.get("frames"),
        "training data": _counts(counts, "train"),
        "validation data": _counts(counts, "val"),
        "date of training": training.get("date"),
        "weights": None if epoch is None else f"after epoch {epoch + 1}",
        "licence": metadata.get("licence") or "not chosen",
        "versions": training.get("versions") or metadata.get("versions"),
        "commit": training.get("git_commit") or metadata.get("git_commit"),
    }
    return facts | ({"began with the weights of": earlier} if earlier else {})


def _export(metadata: Mapping[str, Any]) -> dict[str, Any]:
    export = metadata.get("export")
    if not isinstance(export, Mapping):
        return {}
    memory, image = export.get("expected_memory_mb"), export.get("image")
    text = None if memory is None else f"about {memory} MB for an image of {image}"
    return {"precision": export.get("precision"), "memory": text}


def _counts(data: Mapping[str, Any], stage: str) -> str | None:
    counts = data.get(stage) or {}
    return ", ".join(f"{number:,} {what}" for what, number in counts.items()) or None


def _shown(value: Any) -> str:
    """Return a value out of a file as text in one line."""
    if value is None or value in ("", [], {}):
        return _ABSENT
    match value:
        case Mapping():
            text = ", ".join(f"{name} {one}" for name, one in value.items())
        case list() | tuple():
            text = ", ".join(map(str, value))
        case _:
            text = str(value)
    return "".join(one for one in text[:_LONGEST] if one.isprintable())
