"""Networks to measure: trained ones from files, or models with random weights."""

import copy
from collections.abc import Mapping
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
    network_file,
    network_spec,
)
from roilab.inference.metadata import network_metadata, network_name

_MODEL_KEYS = ("model", "loss", "optimizer", "scheduler")


@dataclass(frozen=True)
class BenchmarkNetwork:
    """A network to measure, on the CPU."""

    name: str  # for tables
    network: TrainedNetwork
    spec: NetworkSpec
    trained: bool  # false for random weights, whose masks have no meaning

    def with_rebin(self, rebin: int) -> TrainedNetwork:
        """Return the network with a recipe for images of another rebin; weights are shared."""
        network = copy.copy(self.network)
        data = {**network.recipe["data"], "rebin": rebin}
        network.recipe = {**network.recipe, "data": data}
        return network


def open_networks(config: Mapping[str, Any]) -> list[BenchmarkNetwork]:
    """Return the networks of a configuration: ``models``, ``network``, ``default_models``.

    Raises:
        RoilabError: (its subclasses) no network is named, or one cannot be used.
    """
    paths = [config["network"]] if isinstance(config["network"], str) else config["network"] or []
    models = config["models"]
    if models is None:
        models = [] if paths else config["default_models"]
    networks = [_build_model(name, config["data"], config["seed"]) for name in models]
    trained = [load_network(network_file(path), config["trust"]) for path in paths]
    names = [network_name(network.recipe) for network in trained]
    for network, name, path in zip(trained, names, paths, strict=True):
        unique = f"{name} ({path})" if names.count(name) > 1 else name
        networks.append(BenchmarkNetwork(unique, network, _spec(network, Path(path)), trained=True))
    if not networks:
        raise MeasurementError(
            "models=[] network=[]: names no network; name models of conf/model, such as "
            "models=[mobilenetv3,unet], or checkpoints, such as network=[FILE]."
        )
    return networks


def _build_model(name: str, data: Mapping[str, Any], seed: int) -> BenchmarkNetwork:
    layers = ",".join(data["layers"])
    try:
        composed = compose("train", [f"model={name}", f"data.layers=[{layers}]"])
        parts = {key: OmegaConf.to_container(composed[key], resolve=True) for key in _MODEL_KEYS}
    except HydraException as error:
        raise MeasurementError(
            f"models: '{name}' is none of conf/model; 'ls conf/model' shows them, such as "
            "mobilenetv3 or unet. Name a trained network by network=[FILE]."
        ) from error
    torch.manual_seed(seed)
    network = TrainedNetwork({**parts, "data": data, "seed": seed}).eval()
    return BenchmarkNetwork(name, network, _spec(network, None), trained=False)


def _spec(network: TrainedNetwork, path: Path | None) -> NetworkSpec:
    file = NetworkFile(path, None, network_metadata(network.recipe, network.working_point), {})
    keys = ("layers", "rebin", "input_scale", "threshold", "pad", "pad_unit", "mask_thresh")
    return network_spec(file, dict.fromkeys(keys), network.recipe["data"])
