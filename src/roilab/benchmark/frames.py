"""Input of the measured networks: frames of a sample, or noise for random weights."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from omegaconf import DictConfig, OmegaConf

from roilab.benchmark.networks import BenchmarkNetwork
from roilab.benchmark.process import MeasurementError
from roilab.detectors.readout import Readout
from roilab.evaluate.sample import SampleImage, read_image, read_sample
from roilab.evaluate.settings import PhysicsSettings
from roilab.inference import Plane
from roilab.simulate import make_sample
from roilab.types import Frame
from roilab.wirecell import model_input, model_ticks

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BenchmarkFrames:
    """Frames of one plane that the networks are measured on."""

    images: Sequence[tuple[SampleImage, Plane]]  # of a sample; empty for noise
    readout: Readout
    plane: str
    physics: PhysicsSettings

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and ticks of the first image."""
        if self.images:
            channels, ticks = self.images[0][1].channels, self.images[0][1].ticks
            return channels[1] - channels[0], ticks[1] - ticks[0]
        low, high = self.readout.ranges[self.plane]
        begin, end = self.readout.tick_range
        return high - low, end - begin

    def model_input(self, number: int, network: BenchmarkNetwork, rebin: int) -> Frame:
        """Return the input of a network for one image, shape (layer, channel, slice)."""
        spec = network.spec
        node = self.physics.node_settings(rebin, spec.input_scale, spec.mask_thresh)
        if not self.images:
            channels, ticks = self.shape
            slices = model_ticks(ticks, node.pad_multiple) // rebin
            rng = np.random.default_rng(0)
            return rng.standard_normal((len(spec.layers), channels, slices), dtype=np.float32)
        tags = self.images[number][1].tags
        image: Frame = model_input([tags[layer] for layer in spec.layers], node)[0].numpy()
        return image

    def first_frames(self, tags: Sequence[str]) -> dict[str, Frame]:
        """Return the frames of the first image by tag, or noise of the same size."""
        if self.images:
            return {tag: self.images[0][1].tags[tag] for tag in tags}
        rng = np.random.default_rng(0)
        noise = rng.normal(0, 1000, self.shape).astype(np.float32)
        return dict.fromkeys(tags, noise)


def read_frames(
    config: Mapping[str, Any], physics: PhysicsSettings, networks: Sequence[BenchmarkNetwork]
) -> BenchmarkFrames:
    """Read the images that ``sample`` and ``theta_xz`` name, or those of a simulated track.

    Nothing is simulated where all networks have random weights and no sample is named.

    Raises:
        RoilabError: (its subclasses) the sample cannot be used.
    """
    readout, plane = Readout.from_config(config["data"]), config["data"]["planes"][0]
    sample = config["sample"]
    if sample is None and not any(network.trained for network in networks):
        return BenchmarkFrames((), readout, plane, physics)
    folder = _simulate_track(config) if sample is None else Path(sample)
    layers = [layer for network in networks for layer in network.spec.layers]
    tags = tuple(dict.fromkeys((*layers, physics.decon_charge)))
    images = _select_angles(read_sample(folder, readout, tags, [plane]), config, plane)
    frames = [(image, read_image(image, readout, tags, tags)) for image in images]
    return BenchmarkFrames(frames, readout, plane, physics)


def _select_angles(
    images: Sequence[SampleImage], config: Mapping[str, Any], plane: str
) -> list[SampleImage]:
    angles = config["theta_xz"]
    selected = [image for image in images if angles is None or image.theta_xz in angles]
    if not selected:
        available = sorted({image.theta_xz for image in images})
        raise MeasurementError(
            f"sample={config['sample']} theta_xz={angles}: no image of plane {plane} has one of "
            f"these angles; expected some of {available} (data.planes chooses the plane)."
        )
    return selected


def _simulate_track(config: Mapping[str, Any]) -> Path:
    """Return the folder of the simulated track; simulate it on first use."""
    folder = Path(config["simulated_dir"]).expanduser()
    folder.parent.mkdir(parents=True, exist_ok=True)
    log.info("sample: a simulated track, in %s", folder)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        simulation: Any = OmegaConf.to_container(config["simulation"], resolve=True)
        make_sample(simulation, folder)
    return folder


def plain_config(config: DictConfig) -> dict[str, Any]:
    """Return the configuration as plain containers, without that of the simulation.

    A detector that only reads frames has no geometry, which the simulation refers to; it is
    resolved where a track is simulated.
    """
    plain = {str(key): config[key] for key in config}
    for key, value in plain.items():
        if key != "simulation" and OmegaConf.is_config(value):
            plain[key] = OmegaConf.to_container(value, resolve=True)
    return plain
