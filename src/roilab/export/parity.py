"""Parity: compare the outputs of an exported file with those of the network."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from roilab.export.settings import ExportError, Precision

# Channels x slices of compared images; the second has odd numbers. An image of the recipe is cut to
# at most LARGEST_SIZE.
SMALL_SIZES, LARGEST_SIZE = ((64, 96), (75, 131)), (800, 600)
_LIMIT = 1e-5  # of the largest difference of probabilities in float32
_LIMIT_BF16 = 0.01  # of the mean difference of probabilities in bf16
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
        measure: ``max`` for the largest difference of an image, ``mean`` for the mean (bf16).
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

    In float32 the largest difference of probabilities is compared with 1e-5, in bf16 the mean
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
    generator, bf16 = torch.Generator().manual_seed(0), precision == "bf16"
    differences, highest_limit = {}, _LIMIT_BF16 if bf16 else _LIMIT
    for height, width in sizes:
        image = random_image(n_layers, height, width, generator)
        expected = network(image)
        difference = (expected - exported(image)).abs()
        measured = float(difference.mean() if bf16 else difference.max())
        limit = _LIMIT_BF16 if bf16 else _LIMIT
        if not bf16 and measured > limit:
            limit = max(limit, _ROUNDING_FACTOR * _rounding_error(network, image, expected))
        if not measured <= limit:
            raise _parity_error(what, difference, limit, " on average" if bf16 else "")
        differences[f"{height}x{width}"] = measured
        highest_limit = max(highest_limit, limit)
    return Parity(differences, "mean" if bf16 else "max", highest_limit)


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
