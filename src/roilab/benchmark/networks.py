"""The networks that are compared: of random weights, or trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra import compose
from hydra.errors import HydraException
from omegaconf import OmegaConf

from roilab.benchmark.process import MeasurementError
from roilab.inference import (
    NetworkFile,
    NetworkSpec,
    TrainedNetwork,
    load_network,
    network_spec,
)
from roilab.inference.metadata import network_metadata, network_name

_NOT_DATA = ("model", "loss", "optimizer", "scheduler")


@dataclass(frozen=True)
class Candidate:
    """A network to measure.

    Attributes:
        name: for tables.
        module: with its weights, on the CPU.
        spec: its input and truth mask.
        trained: whether its masks mean anything.
    """

    name: str
    module: TrainedNetwork
    spec: NetworkSpec
    trained: bool

    def at(self, rebin: int) -> TrainedNetwork:
        """The module, its recipe changed to images of another rebin."""
        recipe = self.module.recipe
        self.module.recipe = {**recipe, "data": {**recipe["data"], "rebin": rebin}}
        return self.module


def candidates(config: Mapping[str, Any]) -> list[Candidate]:
    """The networks that a configuration names: ``models``, ``ckpt``, ``untrained``, ``data``.

    Raises:
        RoilabError: (its subclasses) there is none, no such one, or a checkpoint cannot be used.
    """
    paths = [config["ckpt"]] if isinstance(config["ckpt"], str) else config["ckpt"] or []
    models = config["models"]
    if models is None:
        models = [] if paths else config["untrained"]
    found = [_untrained(name, config["data"], config["seed"]) for name in models]
    found += _named_apart([_trained(Path(path)) for path in paths], paths)
    if not found:
        raise MeasurementError(
            "models=[] ckpt=[]: names no network; name models of conf/model, such as "
            "models=[mobilenetv3,unet], or checkpoints."
        )
    return found


def _untrained(name: str, data: Mapping[str, Any], seed: int) -> Candidate:
    layers = ",".join(data["layers"])
    try:
        composed = compose("train", [f"model={name}", f"data.layers=[{layers}]"])
        parts = {key: OmegaConf.to_container(composed[key], resolve=True) for key in _NOT_DATA}
    except HydraException as error:
        raise MeasurementError(
            f"models: '{name}' is none of conf/model; 'ls conf/model' shows them, such as "
            "mobilenetv3 or unet. A trained network goes to ckpt=[FILE]."
        ) from error
    torch.manual_seed(seed)
    module = TrainedNetwork({**parts, "data": data, "seed": seed}).eval()
    return Candidate(name, module, _spec(module, None), trained=False)


def _trained(path: Path) -> Candidate:
    module = load_network(path)
    name = network_name(module.recipe)
    return Candidate(name, module, _spec(module, path), trained=True)


def _spec(module: TrainedNetwork, path: Path | None) -> NetworkSpec:
    file = NetworkFile(path, None, network_metadata(module.recipe), {})
    given = dict.fromkeys(
        ("layers", "rebin", "input_scale", "threshold", "pad", "pad_unit", "mask_thresh")
    )
    return network_spec(file, given, module.recipe["data"])


def _named_apart(found: Sequence[Candidate], paths: Sequence[str]) -> list[Candidate]:
    """Trained networks; where two have one name, each has its file's too."""
    names = [candidate.name for candidate in found]
    return [
        candidate
        if names.count(candidate.name) == 1
        else Candidate(
            f"{candidate.name} ({path})", candidate.module, candidate.spec, candidate.trained
        )
        for candidate, path in zip(found, paths, strict=True)
    ]
