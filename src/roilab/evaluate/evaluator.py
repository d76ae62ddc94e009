"""Evaluate methods on samples: one row per plane, sample, angle, energy and method."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from roilab.detectors.readout import Readout
from roilab.evaluate.methods import Method
from roilab.evaluate.sample import SampleImage, SampleKey, read_image
from roilab.evaluate.settings import EvaluationError, PhysicsSettings
from roilab.freed_memory import return_freed_memory
from roilab.inference import Network, Plane, Rois, roi_probability
from roilab.metrics import (
    ChargeProfile,
    ChargeWindows,
    ShowerAxis,
    charge_windows,
    segmentation_metrics,
    shower_axis,
    to_columns,
)
from roilab.types import Frame, Row

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Truth:
    """Truth of one image.

    Attributes:
        windows: charge window of every channel, by how much it is widened [ticks].
        charge: truth charge of every channel in its window [electrons], likewise.
        mask: truth charge above the threshold, shape (channel, tick).
        shower: vertex and direction of a shower; ``None`` for a track.
    """

    windows: Mapping[int, ChargeWindows]
    charge: Mapping[int, torch.Tensor]
    mask: torch.Tensor
    shower: ShowerAxis | None


class GroupMetrics(nn.Module):
    """All metrics of one method on the images of one group (plane, sample, angle, energy)."""

    def __init__(self, physics: PhysicsSettings) -> None:
        super().__init__()
        self.wires = physics.profile_wires
        self.charge = physics.charge_metrics()
        self.profile = ChargeProfile()
        self.segmentation = segmentation_metrics()
        # Empty updates: a process without any image of the group takes part in the sums too.
        nothing = torch.zeros(0)
        self.charge.update(nothing, nothing, 0)
        self.profile.update(nothing, nothing)
        self.segmentation.update(nothing.bool()[None], nothing.bool()[None])

    def update(self, rois: Rois, truth: Truth, widened: int, number: int) -> None:
        """Add one image.

        Args:
            rois: of the method.
            truth: of the image.
            widened: by how much the method's windows are widened [ticks].
            number: of the image in its sample.
        """
        q_reco = torch.from_numpy(truth.windows[widened].charge(rois.known_charge))
        q_truth = truth.charge[widened]
        self.charge.update(q_reco, q_truth, number)
        if truth.shower is not None:
            wires = truth.shower.wires(len(q_truth), self.wires)
            self.profile.update(q_reco[wires], q_truth[wires])
        self.segmentation.update(torch.from_numpy(rois.mask), truth.mask)

    def compute(self) -> Row:
        """Return all values; charge metrics also as bounds ``NAME_low`` and ``NAME_high``."""
        measured = {**self.charge.compute(), "charge_profile": self.profile.compute()}
        row: Row = dict(to_columns(measured))
        row |= {name: float(value) for name, value in self.segmentation.compute().items()}
        return row


class Evaluator:
    """Evaluate methods on images of samples.

    Args:
        methods: to compare.
        physics: definition of the charge metrics.
        readout: where the planes lie.
        network: of the methods that need a probability; ``None`` where none does.
    """

    def __init__(
        self,
        methods: Sequence[Method],
        physics: PhysicsSettings,
        readout: Readout,
        network: Network | None,
    ) -> None:
        self.methods, self.physics, self.readout = methods, physics, readout
        self.network = network
        layers = network.spec.layers if network else ()
        self.node_tags = tuple(dict.fromkeys((*layers, physics.decon_charge)))
        self.tags = tuple(dict.fromkeys((*self.node_tags, physics.gauss)))
        self.seconds = {"reading": 0.0, "network": 0.0, "metrics": 0.0}

    def __call__(
        self,
        images: Sequence[SampleImage],
        share: slice = slice(None),
        device: torch.device | str = "cpu",
        advance: Callable[[], None] = lambda: None,
    ) -> list[list[Row]]:
        """Return one row per method, for every group of images.

        Groups are sorted by plane, sample, energy and angle; rows are in the order of methods.

        Args:
            images: to evaluate, the same in all processes.
            share: images of this process.
            device: on which processes sum their metrics.
            advance: called after every image.

        Raises:
            EvaluationError: no image has a valid channel.
        """
        keys = sorted({image.key for image in images}, key=_by_angle)
        groups = {key: [GroupMetrics(self.physics) for _ in self.methods] for key in keys}
        for image in images[share]:
            self.evaluate_image(image, groups[image.key])
            # Else memory grows with the images, because small results lie between the frames.
            return_freed_memory()
            advance()
        counts = {key: sum(image.key == key for image in images) for key in keys}
        rows = [
            [
                {**_columns(key, counts[key], method), **metrics.to(device).compute()}
                for method, metrics in zip(self.methods, groups[key], strict=True)
            ]
            for key in keys
        ]
        if all(math.isnan(row["inefficiency"]) for group in rows for row in group):
            raise EvaluationError(
                f"{images[0].source.pair.rec.parent}: no channel of {len(images)} images is valid "
                f"(truth charge above {self.physics.charge['min_truth']:g} e); check the truth tag "
                "(data.truth), or lower physics.charge.min_truth."
            )
        return rows

    def read(self, image: SampleImage) -> Plane:
        """Read the frames of an image."""
        return read_image(image, self.readout, self.tags, self.node_tags)

    def evaluate_image(self, image: SampleImage, groups: Sequence[GroupMetrics]) -> None:
        """Read one image and add it to the metrics of every method."""
        began = time.perf_counter()
        plane = self.read(image)
        read = time.perf_counter()
        probability = None if self.network is None else roi_probability(self.network, plane)
        applied = time.perf_counter()
        truth = self.truth(plane, image)
        for method, group in zip(self.methods, groups, strict=True):
            group.update(method.find(plane, probability), truth, method.widened, image.number)
        self.seconds["reading"] += read - began
        self.seconds["network"] += applied - read
        self.seconds["metrics"] += time.perf_counter() - applied

    def truth(self, plane: Plane, image: SampleImage) -> Truth:
        """Return the truth of an image."""
        physics, truth = self.physics, _truth_charge(plane)
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


def _truth_charge(plane: Plane) -> Frame:
    if plane.truth is None:
        raise EvaluationError(
            f"{plane.title}: {plane.no_truth}; charge is compared with truth. Name a sample with "
            "truth files (data.truth names the tag)."
        )
    return plane.truth


def _by_angle(key: SampleKey) -> tuple[str, str, float, float]:
    plane, sample, theta_xz, energy = key
    return (plane, sample, energy or 0.0, theta_xz)


def _columns(key: SampleKey, events: int, method: Method) -> Row:
    plane, sample, theta_xz, energy = key
    row: Row = {"plane": plane, "sample": sample, "theta_xz": theta_xz, "energy": energy}
    row |= {"method": method.name, "rebin": None, "mask_thresh": None, "threshold": None}
    row |= {"pad": None, "pad_unit": None, "save_negative_charge": None, "window_widened": False}
    return {**row, **method.columns(), "events": events}
