"""Whether an exported file computes what the network computes."""

import copy
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from roilab.export.settings import ExportError, Precision

PARITY_SIZES = ((64, 96), (75, 131), (800, 600))  # the second is odd in both axes
_TOLERANCE = 1e-5  # on the probability, in float32
_ROUNDING = 3  # times the error of the network itself in float32
# Random images are about what a network sees: noise of loose_lf (280 electrons per tick) and
# charge (2000) in a tenth of all blocks of 8 x 8, scaled by 1/4000. With noise alone no
# probability would be far from 0; far above both, a network's own rounding hides faults.
_NOISE, _CHARGE, _SHARE, _BLOCK = 0.07, 0.5, 0.1, 8
_TOLERANCE_BF16 = 0.01  # on the mean difference of probabilities
Probability = Callable[[torch.Tensor], torch.Tensor]


class ParityError(ExportError):
    """The exported file does not compute what the network computes."""


class PrecisionError(ExportError):
    """This machine cannot check a file of that precision."""


def check_machine(precision: Precision) -> None:
    """See that this CPU computes in the number format asked for.

    Raises:
        PrecisionError: it has no instructions for it.
    """
    if precision == "float32":
        return
    able = torch.cpu.get_capabilities()
    if not any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16")):
        raise PrecisionError(
            "export.precision=bf16: this CPU has no instructions for bf16 (avx512_bf16 or "
            "amx_bf16), so the file could not be checked. Export on a machine that has them, or "
            "with export.precision=float32."
        )


@torch.no_grad()
def check_parity(
    eager: nn.Module, exported: Probability, n_layers: int, path: Path, precision: Precision
) -> dict[str, float]:
    """Compare two networks on random images of several sizes.

    Args:
        eager: the network in float32.
        exported: as loaded from the file.
        n_layers: input layers.
        path: for the message.
        precision: of the file.

    Returns:
        The largest difference of probabilities at each size.

    Raises:
        ParityError: probabilities differ by more than 1e-5 (in bf16: on average by more than
            0.01); says where most. Where a network is so steep that its own rounding in float32
            makes more, three times that is allowed.
    """
    generator = torch.Generator().manual_seed(0)
    worst_by_size = {}
    for height, width in PARITY_SIZES:
        image = _image(n_layers, height, width, generator)
        expected = eager(image)
        difference = (expected - exported(image)).abs()
        worst = worst_by_size[f"{height}x{width}"] = float(difference.max())
        judged, limit, how = worst, _TOLERANCE, ""
        if precision == "bf16":
            judged, limit, how = float(difference.mean()), _TOLERANCE_BF16, " on average"
        elif worst > limit:
            limit = max(limit, _ROUNDING * _rounding(eager, image, expected))
        if not judged <= limit:
            row, column = divmod(int(difference.argmax()), width)
            raise ParityError(
                f"{path}: not written: at {height} x {width} the exported network differs by "
                f"{worst:.2g} at channel {row}, slice {column}; expected at most {limit:.2g}{how}. "
                "An operation of this network is not exported as it is computed."
            )
    return worst_by_size


def _rounding(eager: nn.Module, image: torch.Tensor, probability: torch.Tensor) -> float:
    """The largest error that float32 makes in the network itself."""
    exact = copy.deepcopy(eager).double()(image.double())
    return float((exact - probability).abs().max())


def _image(n_layers: int, height: int, width: int, generator: torch.Generator) -> torch.Tensor:
    """Noise and blocks of charge, shape (1, layer, channel, slice)."""
    noise = torch.randn(1, n_layers, height, width, generator=generator)
    blocks = torch.rand(1, 1, -(-height // _BLOCK), -(-width // _BLOCK), generator=generator)
    charged = (blocks < _SHARE).repeat_interleave(_BLOCK, 2).repeat_interleave(_BLOCK, 3)
    return _NOISE * noise + _CHARGE * charged[:, :, :height, :width]
