"""What the networks are fed: frames with tracks, or noise where nobody looks at the masks."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from roilab.benchmark.networks import Candidate
from roilab.benchmark.process import MeasurementError
from roilab.detectors.readout import Readout
from roilab.evaluate.sample import SampleImage, read_sample
from roilab.evaluate.settings import PhysicsSettings
from roilab.inference import Plane, PlaneReader
from roilab.simulate import make_sample
from roilab.types import Frame
from roilab.wirecell import model_input, model_ticks

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scene:
    """Frames of one plane, and how charge is judged in them.

    Attributes:
        frames: with what they are of; empty where networks of random weights are fed noise.
        readout: where the planes lie.
        plane: its name.
        physics: how charge is judged.
    """

    frames: Sequence[tuple[SampleImage, Plane]]
    readout: Readout
    plane: str
    physics: PhysicsSettings

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and ticks of the first image."""
        if self.frames:
            channels, ticks = self.frames[0][1].channels, self.frames[0][1].ticks
            return channels[1] - channels[0], ticks[1] - ticks[0]
        low, high = self.readout.ranges[self.plane]
        begin, end = self.readout.tick_range
        return high - low, end - begin

    def image(self, number: int, candidate: Candidate, rebin: int) -> Frame:
        """A network's input, shape (layer, channel, slice)."""
        spec = candidate.spec
        node = self.physics.node_settings(rebin, spec.input_scale, spec.mask_thresh)
        if not self.frames:
            channels, ticks = self.shape
            slices = model_ticks(ticks, node.pad_multiple) // rebin
            rng = np.random.default_rng(0)
            return rng.standard_normal((len(spec.layers), channels, slices), dtype=np.float32)
        tags = self.frames[number][1].tags
        image: Frame = model_input([tags[layer] for layer in spec.layers], node)[0].numpy()
        return image


def scene(config: Mapping[str, Any], physics: PhysicsSettings, found: Sequence[Candidate]) -> Scene:
    """What the configuration names (``frames``, ``theta_xz``), or else a simulated track.

    Where all networks have random weights and no frames are named, there is nothing to look at
    and nothing is simulated.

    Raises:
        RoilabError: (its subclasses) the frames cannot be used.
    """
    readout, plane = Readout.from_config(config["data"]), config["data"]["planes"][0]
    folder = config["frames"]
    if folder is None and not any(candidate.trained for candidate in found):
        return Scene((), readout, plane, physics)
    if folder is None:
        folder = _simulated(config)
    layers = [layer for candidate in found for layer in candidate.spec.layers]
    tags = tuple(dict.fromkeys((*layers, physics.decon_charge)))
    images = _chosen(read_sample(Path(folder), readout, tags, [plane]), config, plane)
    frames = [(image, _read(image, tags, readout)) for image in images]
    return Scene(frames, readout, plane, physics)


def _read(image: SampleImage, tags: tuple[str, ...], readout: Readout) -> Plane:
    source = image.source
    with PlaneReader(source.pair.rec, source.pair.tru, readout) as reader:
        return reader.read(source.rec_event, source.apa, source.plane, tags, tags)


def _chosen(
    images: Sequence[SampleImage], config: Mapping[str, Any], plane: str
) -> list[SampleImage]:
    angles = config["theta_xz"]
    chosen = [image for image in images if angles is None or image.theta_xz in angles]
    if not chosen:
        has = sorted({image.theta_xz for image in images})
        raise MeasurementError(
            f"frames={config['frames']} theta_xz={angles}: no image of plane {plane} is at these "
            f"angles; expected some of {has} (data.planes chooses the plane)."
        )
    return chosen


def _simulated(config: Mapping[str, Any]) -> Path:
    """Folder of the simulated track, which is made on first use."""
    folder = Path(config["simulated_dir"]).expanduser()
    folder.parent.mkdir(parents=True, exist_ok=True)
    log.info("frames: a simulated track, in %s", folder)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        make_sample(config["simulation"], folder)
    return folder
