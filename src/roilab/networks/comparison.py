"""Compare the masks of a network whose weights were rounded with those of the network."""

import copy
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from roilab.errors import RoilabError
from roilab.evaluate.working_point import validation_events
from roilab.export.exported_network import image_size
from roilab.export.parity import LARGEST_SIZE, random_image
from roilab.inference import NetworkFile, RoiProbability, TrainedNetwork, network_spec
from roilab.inference.metadata import network_metadata

log = logging.getLogger(__name__)

MAX_IMAGES = 10
_PROBES = 3
_WCT_SCALE = 1 / 4000  # input_scale for which the random images are made
_KEYS = ("layers", "rebin", "input_scale", "threshold", "pad", "pad_unit", "mask_thresh")


@dataclass(frozen=True)
class MaskChanges:
    """Differences of two masks, summed over images.

    Attributes:
        images: in words: how many, and which.
        pixels: of all images.
        marked: pixels in the mask of the network.
        changed: pixels in one of the masks only.
    """

    images: str
    pixels: int
    marked: int
    changed: int

    @property
    def part(self) -> float:
        """Changed pixels over marked ones."""
        return self.changed / max(1, self.marked)

    def __str__(self) -> str:
        return (
            f"{self.changed:,} of {self.pixels:,} mask pixels change "
            f"({self.changed / self.pixels:.2g}; {self.part:.2g} of the {self.marked:,} marked "
            f"ones) on {self.images}"
        )


@torch.no_grad()
def compare_masks(
    network: TrainedNetwork, rounded: Mapping[str, torch.Tensor], path: Path
) -> MaskChanges:
    """Compare the masks of a network and of its rounded weights, at its mask threshold.

    The images are validation images of its training; random ones where these cannot be read.

    Args:
        network: on the CPU, in evaluation mode; not changed.
        rounded: its weights, rounded, in float32.
        path: its checkpoint, for messages.
    """
    other = copy.deepcopy(network)
    other.load_state_dict(dict(rounded))
    one, two = RoiProbability(network).eval(), RoiProbability(other).eval()
    images, what = _images(network, path)
    threshold = network.working_point.mask_thresh
    pixels = marked = changed = 0
    for image in images:
        masks = [net(image) > threshold for net in (one, two)]
        pixels += masks[0].numel()
        marked += int(masks[0].sum())
        changed += int((masks[0] ^ masks[1]).sum())
    return MaskChanges(what, pixels, marked, changed)


def _images(network: TrainedNetwork, path: Path) -> tuple[list[torch.Tensor], str]:
    metadata = network_metadata(network.recipe, network.working_point)
    file = NetworkFile(path, None, metadata, network.recipe["data"])
    spec = network_spec(file, dict.fromkeys(_KEYS), network.recipe["data"])
    try:
        images = validation_events(network.recipe["data"], spec, path, ()).dataset("val")
        found = [images[n]["image"][None] for n in range(min(len(images), MAX_IMAGES))]
    except RoilabError as error:
        log.warning("the validation images cannot be read: %s", error)
    else:
        return found, f"{len(found)} validation image{'s' * (len(found) > 1)}"
    generator = torch.Generator().manual_seed(0)
    height, width = map(min, image_size(network.recipe), LARGEST_SIZE)
    n_layers, scale = len(spec.layers), spec.input_scale / _WCT_SCALE
    probes = [scale * random_image(n_layers, height, width, generator) for _ in range(_PROBES)]
    return probes, f"{_PROBES} random images"
