"""Parity: compare the outputs of an exported file with those of the network."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import torch
from torch import nn

from roilab.export.settings import ExportError, Precision

# Channels x slices of compared images; the second has odd numbers. An image of the recipe is cut to
# at most LARGEST_SIZE.
SMALL_SIZES, LARGEST_SIZE = ((64, 96), (75, 131)), (800, 600)
_LIMIT = 1e-5  # of the largest difference of probabilities in float32
_LIMIT_MEAN = 0.01  # of the mean difference of probabilities in bf16 and int8
_ROUNDING_FACTOR = 3  # on the rounding error of the network in float32
# Random images similar to the layers: noise of loose_lf (280 electrons per tick) and charge (2000)
# in a tenth of all blocks of 8 x 8, both scaled by 1/4000. With only noise, all probabilities
# would be near 0; at much larger values the network's rounding error would hide faults.
_NOISE, _CHARGE, _CHARGED_SHARE, _BLOCK = 0.07, 0.5, 0.1, 8
Probability = Callable[[torch.Tensor], torch.Tensor]


class ParityError(ExportError):
    """The outputs of the exported file differ from those of the network."""


class PrecisionError(ExportError):
    """This machine cannot compute in the precision, so it cannot check the file."""


@dataclass(frozen=True)
class Parity:
    """Differences between the probabilities of an exported file and of its network.

    Attributes:
        differences: by image size, such as ``64x96``.
        measure: ``max`` for the largest difference of an image, ``mean`` for the mean (bf16, int8).
        limit: largest difference that is accepted.
    """

    differences: dict[str, float]
    measure: Literal["max", "mean"]
    limit: float

    def metadata(self) -> dict[str, Any]:
        """Return the keys of ``metadata["export"]``."""
        return {
            "parity": self.differences,
            "parity_measure": self.measure,
            "parity_limit": self.limit,
        }


def check_precision(precision: Precision) -> None:
    """Check that this CPU computes in a number format.

    Raises:
        PrecisionError: it has no instructions for it.
    """
    if precision == "float32":
        return
    if precision == "int8":
        if "x86" not in torch.backends.quantized.supported_engines:
            raise PrecisionError(
                "export.precision=int8: this PyTorch has no 8-bit convolutions for x86 CPUs, so "
                "the file could not be checked. Export on such a machine, or choose another "
                "precision."
            )
        return
    capabilities = torch.cpu.get_capabilities()
    if not any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16")):
        raise PrecisionError(
            "export.precision=bf16: this CPU has no instructions for bf16 (avx512_bf16 or "
            "amx_bf16), so the file could not be checked. Export on a machine that has them, or "
            "with export.precision=float32."
        )


@torch.no_grad()
def check_parity(
    network: nn.Module,
    exported: Probability,
    n_layers: int,
    sizes: Sequence[tuple[int, int]],
    what: Path | str,
    precision: Precision,
) -> Parity:
    """Compare an exported file with its network on random images.

    In float32 the largest difference of probabilities is compared with 1e-5, otherwise the mean
    difference with 0.01. A trained network can be so steep that its own rounding in float32 is
    larger than 1e-5; the limit is then three times its rounding error.

    Args:
        network: image to ROI probability, in float32.
        exported: function loaded from the file.
        n_layers: number of layers of the images.
        sizes: channels and slices of the images.
        what: the file, for the message.
        precision: of the file.

    Raises:
        ParityError: a difference is above the limit.
    """
    generator, rounded = torch.Generator().manual_seed(0), precision != "float32"
    differences, highest_limit = {}, _LIMIT_MEAN if rounded else _LIMIT
    for height, width in sizes:
        image = random_image(n_layers, height, width, generator)
        expected = network(image)
        difference = (expected - exported(image)).abs()
        measured = float(difference.mean() if rounded else difference.max())
        limit = _LIMIT_MEAN if rounded else _LIMIT
        if not rounded and measured > limit:
            limit = max(limit, _ROUNDING_FACTOR * _rounding_error(network, image, expected))
        if not measured <= limit:
            raise _parity_error(what, difference, limit, " on average" if rounded else "")
        differences[f"{height}x{width}"] = measured
        highest_limit = max(highest_limit, limit)
    return Parity(differences, "mean" if rounded else "max", highest_limit)


@torch.no_grad()
def compare_on_images(
    network: nn.Module,
    exported: Probability,
    images: Sequence[torch.Tensor],
    mask_thresh: float,
    what: Path | str,
) -> tuple[Parity, float | None]:
    """Compare a file in int8 with its network on real images.

    Args:
        network: image to ROI probability, in float32.
        exported: function loaded from the file.
        images: each (1, layer, channel, slice), not those of the calibration.
        mask_thresh: of the masks.
        what: the file, for the message.

    Returns:
        The parity, and the number of changed pixels of the masks over the marked ones of the
        network (``None`` where it marks none).

    Raises:
        ParityError: the mean difference of an image is above 0.01.
    """
    differences: dict[str, list[float]] = {}
    marked = changed = 0
    for image in images:
        expected, got = network(image), exported(image)
        difference = (expected - got).abs()
        if not float(difference.mean()) <= _LIMIT_MEAN:
            raise _parity_error(what, difference, _LIMIT_MEAN, " on average")
        size = f"{image.shape[2]}x{image.shape[3]}"
        differences.setdefault(size, []).append(float(difference.mean()))
        masks = expected > mask_thresh, got > mask_thresh
        marked += int(masks[0].sum())
        changed += int((masks[0] != masks[1]).sum())
    means = {size: fmean(values) for size, values in differences.items()}
    share = changed / marked if marked else None
    return Parity(means, "mean", _LIMIT_MEAN), share


def _parity_error(
    what: Path | str, difference: torch.Tensor, limit: float, suffix: str
) -> ParityError:
    height, width = difference.shape[2:]
    channel, slice_ = divmod(int(difference.argmax()), width)
    return ParityError(
        f"{what}: not written: at {height} x {width} the exported network differs by "
        f"{float(difference.max()):.2g} at channel {channel}, slice {slice_}; expected at most "
        f"{limit:.2g}{suffix}. The export does not reproduce an operation of this network."
    )


def _rounding_error(network: nn.Module, image: torch.Tensor, probability: torch.Tensor) -> float:
    """Return the largest difference of a float32 probability from that in float64."""
    exact = copy.deepcopy(network).double()(image.double())
    return float((exact - probability).abs().max())


def random_image(
    n_layers: int, height: int, width: int, generator: torch.Generator
) -> torch.Tensor:
    """Return noise and blocks of charge, shape (1, layer, channel, slice)."""
    noise = torch.randn(1, n_layers, height, width, generator=generator)
    blocks = torch.rand(1, 1, -(-height // _BLOCK), -(-width // _BLOCK), generator=generator)
    charged = (blocks < _CHARGED_SHARE).repeat_interleave(_BLOCK, 2).repeat_interleave(_BLOCK, 3)
    return _NOISE * noise + _CHARGE * charged[:, :, :height, :width]
