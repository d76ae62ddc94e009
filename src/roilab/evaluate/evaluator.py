"""Judging methods on samples: one row per plane, sample, angle, energy and method."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from roilab.detectors import Readout
from roilab.evaluate.methods import Found, Method
from roilab.evaluate.sample import JudgedImage
from roilab.evaluate.settings import EvaluationError, PhysicsSettings
from roilab.inference.network import Network
from roilab.inference.plane import Frame, PlaneFrames, read_frames
from roilab.metrics import (
    ChargeProfile,
    ChargeWindows,
    ShowerAxis,
    charge_windows,
    segmentation_metrics,
    shower_axis,
)
from roilab.wirecell import forward_in_chunks, model_input

log = logging.getLogger(__name__)
Row = dict[str, Any]


@dataclass(frozen=True)
class Truth:
    """What is true of one image.

    Attributes:
        windows: of every channel's charge, by how much they are widened [ticks].
        charge: of every channel in its window [electrons], likewise.
        mask: truth charge above the threshold, shape (channel, tick).
        shower: where a shower starts and runs; ``None`` for a track.
    """

    windows: Mapping[int, ChargeWindows]
    charge: Mapping[int, torch.Tensor]
    mask: torch.Tensor
    shower: ShowerAxis | None


class GroupMetrics(nn.Module):
    """All metrics of one method on the images that are judged together."""

    def __init__(self, physics: PhysicsSettings) -> None:
        super().__init__()
        self.wires = physics.profile_wires
        self.charge = physics.charge_metrics()
        self.profile = ChargeProfile()
        self.found = segmentation_metrics()
        # Nothing added: a process without any image of the group takes part in the sums too.
        nothing = torch.zeros(0)
        self.charge.update(nothing, nothing, 0)
        self.profile.update(nothing, nothing)
        self.found.update(nothing.bool()[None], nothing.bool()[None])

    def update(self, found: Found, truth: Truth, widened: int, number: int) -> None:
        """Add one image.

        Args:
            found: by the method.
            truth: of the image.
            widened: by how much the method's windows are widened [ticks].
            number: of the image in its sample.
        """
        q_reco = torch.from_numpy(truth.windows[widened].charge(found.charge))
        q_truth = truth.charge[widened]
        self.charge.update(q_reco, q_truth, number)
        if truth.shower is not None:
            wires = truth.shower.wires(len(q_truth), self.wires)
            self.profile.update(q_reco[wires], q_truth[wires])
        self.found.update(torch.from_numpy(found.roi_mask), truth.mask)

    def compute(self) -> Row:
        """Values, and errors where there are some."""
        measured = {**self.charge.compute(), "charge_profile": self.profile.compute()}
        row: Row = {}
        for name, (value, error) in sorted(measured.items()):
            row |= {name: float(value), f"{name}_error": float(error)}
        row |= {name: float(value) for name, value in self.found.compute().items()}
        return row


class Judge:
    """Judges methods on images.

    Args:
        methods: to compare.
        physics: how charge is judged.
        detector: where the planes lie.
        network: whose probability the methods get; ``None`` where none needs it.
    """

    def __init__(
        self,
        methods: Sequence[Method],
        physics: PhysicsSettings,
        detector: Readout,
        network: Network | None,
    ) -> None:
        self.methods, self.physics, self.detector = methods, physics, detector
        self.network = network
        layers = network.recipe.layers if network else ()
        self.node_tags = tuple(dict.fromkeys((*layers, physics.decon_charge)))
        self.tags = tuple(dict.fromkeys((*self.node_tags, physics.gauss)))
        self.seconds = {"reading": 0.0, "network": 0.0, "judging": 0.0}

    def __call__(
        self,
        images: Sequence[JudgedImage],
        share: slice = slice(None),
        device: torch.device | str = "cpu",
        advance: Callable[[], None] = lambda: None,
    ) -> list[Row]:
        """Rows in order of plane, sample, energy, angle and method.

        Args:
            images: to judge, the same in all processes.
            share: of the images for this process.
            device: on which processes sum their metrics.
            advance: called after every image.

        Raises:
            EvaluationError: there is no valid channel in any image.
        """
        keys = sorted({image.key for image in images}, key=_by_angle)
        groups = {key: [GroupMetrics(self.physics) for _ in self.methods] for key in keys}
        for image in images[share]:
            self.judge_image(image, groups[image.key])
            advance()
        counts = {key: sum(image.key == key for image in images) for key in keys}
        rows = [
            {**_columns(key, counts[key], method), **group.to(device).compute()}
            for key in keys
            for method, group in zip(self.methods, groups[key], strict=True)
        ]
        if all(math.isnan(row["inefficiency"]) for row in rows):
            raise EvaluationError(
                f"{images[0].source.pair.rec.parent}: no channel of {len(images)} images is valid "
                f"(truth charge above {self.physics.charge['min_truth']:g} e); check the truth tag "
                "(data.truth), or lower physics.charge.min_truth."
            )
        return rows

    def judge_image(self, image: JudgedImage, groups: Sequence[GroupMetrics]) -> None:
        """Read one image and add it to the metrics of every method."""
        began = time.perf_counter()
        frames = read_frames(image.source, self.tags, self.node_tags, self.detector)
        read = time.perf_counter()
        probability, network_seconds = self.probability(frames)
        truth = self.truth(frames, image)
        for method, group in zip(self.methods, groups, strict=True):
            found = method.find(frames, probability)
            group.update(found, truth, method.widened, image.number)
        self.seconds["reading"] += read - began
        self.seconds["network"] += network_seconds
        self.seconds["judging"] += time.perf_counter() - read - network_seconds

    def probability(self, frames: PlaneFrames) -> tuple[Frame | None, float]:
        """ROI probability (channel, slice), and how long the network alone took [s]."""
        if self.network is None:
            return None, 0.0
        recipe = self.network.recipe
        node = self.physics.node_settings(recipe.rebin, recipe.input_scale, recipe.mask_thresh)
        image = model_input([frames.tags[layer] for layer in recipe.layers], node)
        began = time.perf_counter()
        probability = forward_in_chunks(self.network.probability, image, node.nchunks)
        return probability, time.perf_counter() - began

    def truth(self, frames: PlaneFrames, image: JudgedImage) -> Truth:
        """What is true of an image."""
        physics, truth = self.physics, frames.truth
        windows = {
            widened: charge_windows(truth, physics.window, physics.margin + widened)
            for widened in {method.widened for method in self.methods}
        }
        charge = {widened: window.charge(truth) for widened, window in windows.items()}
        min_truth = physics.charge["min_truth"]
        total = next(iter(charge.values()))
        if not (total > min_truth).any():
            log.warning(
                "%s: no channel has a truth charge above %g e (the highest: %.0f e); its image "
                "does not count.",
                image.source.name,
                min_truth,
                total.max(initial=0),
            )
        return Truth(
            windows,
            {widened: torch.from_numpy(sums) for widened, sums in charge.items()},
            torch.from_numpy(truth > np.float32(physics.truth_threshold)),
            None if image.energy is None else shower_axis(total, min_truth),
        )


def _by_angle(key: tuple[str, str, float, float | None]) -> tuple[str, str, float, float]:
    plane, sample, theta_xz, energy = key
    return (plane, sample, energy or 0.0, theta_xz)


def _columns(key: tuple[str, str, float, float | None], events: int, method: Method) -> Row:
    plane, sample, theta_xz, energy = key
    row: Row = {"plane": plane, "sample": sample, "theta_xz": theta_xz, "energy": energy}
    row |= {"method": method.name, "rebin": None, "mask_thresh": None, "threshold": None}
    row |= {"pad": None, "pad_unit": None, "save_negative_charge": None, "window_widened": False}
    return {**row, **method.columns(), "events": events}
