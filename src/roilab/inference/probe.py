"""Try a network of another origin on a small image, before a wrong mask is made of its output."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch

from roilab.errors import RoilabError

log = logging.getLogger(__name__)

_SIZE = (64, 64)  # channels and slices; halved six times they are still whole numbers
_MOST_LAYERS = 8  # tried, to say how many a network takes
_ROUNDING = 1e-3  # probabilities in bf16 may exceed 1 by so much


class NetworkOutputError(RoilabError):
    """A network does not map the layers of an image to a ROI probability."""


def checked(
    probability: Callable[[torch.Tensor], Any], where: str, layers: Sequence[str]
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the same function with its outputs checked, after a trial on a small image.

    Args:
        probability: image (1, layer, channel, slice) to ROI probability (1, 1, channel, slice).
        where: file of the network, for messages.
        layers: input tags.

    Raises:
        NetworkOutputError: the network takes another number of layers, or returns something else,
            such as logits or two classes.
    """

    def checked_probability(image: torch.Tensor) -> torch.Tensor:
        try:
            output = probability(image)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise NetworkOutputError(
                f"{where}: fails on an image of {_text(image)} (layers, channels, slices): "
                f"{_last_line(error)}. Check its input, and that it takes images of any size."
            ) from error
        return _check_output(output, image, where)

    _check_layers(probability, where, layers)
    try:
        output = probability(_image(len(layers)))
    except RuntimeError as error:
        # A network for images of one size only; its outputs are checked when they are made.
        log.warning("%s: not tried on a small image: %s", where, _last_line(error))
    else:
        _check_output(output, _image(len(layers)), where)
    return checked_probability


def _image(n_layers: int) -> torch.Tensor:
    """Return an image with a track and noise, of the size of scaled charge."""
    noise = torch.randn(_SIZE, generator=torch.Generator().manual_seed(0))
    channel, tick = torch.arange(_SIZE[0])[:, None], torch.arange(_SIZE[1])[None, :]
    track = ((channel - tick).abs() < 3).float()
    return (track + 0.02 * noise).expand(1, n_layers, *_SIZE).contiguous()


def _check_layers(
    probability: Callable[[torch.Tensor], Any], where: str, layers: Sequence[str]
) -> None:
    if _runs(probability, len(layers)):
        return
    possible = [number for number in range(1, _MOST_LAYERS + 1) if _runs(probability, number)]
    if possible:
        raise NetworkOutputError(
            f"{where}: takes {' or '.join(map(str, possible))} layers, not the {len(layers)} given "
            f"({', '.join(layers)}). Name the tags that it was trained with, in their order "
            "(network_spec.layers)."
        )


def _runs(probability: Callable[[torch.Tensor], Any], n_layers: int) -> bool:
    try:
        probability(_image(n_layers))
    except RuntimeError:
        return False
    return True


def _check_output(output: Any, image: torch.Tensor, where: str) -> torch.Tensor:
    """Return the output where it is a ROI probability of the image."""
    expected = (image.shape[0], 1, *image.shape[2:])
    if not isinstance(output, torch.Tensor):
        raise NetworkOutputError(
            f"{where}: returns {type(output).__name__}; expected one tensor, the ROI probability "
            "(1, 1, channel, slice). Wrap the network so that it returns only that."
        )
    if output.shape != expected:
        many = output.dim() == 4 and output.shape[1] > 1
        hint = (
            "For the two classes background and ROI, wrap it: softmax(dim=1)[:, 1:]."
            if many
            else "Wrap it so that it does."
        )
        raise NetworkOutputError(
            f"{where}: returns the shape {tuple(output.shape)} for an image of "
            f"{tuple(image.shape)}; expected {expected}, the ROI probability. {hint}"
        )
    low, high = float(output.min()), float(output.max())
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
        raise NetworkOutputError(
            f"{where}: returns values from {low:.3g} to {high:.3g}; expected ROI probabilities "
            "from 0 to 1. If they are logits, wrap the network with torch.sigmoid and save it "
            "again."
        )
    return output


def _text(image: torch.Tensor) -> str:
    return " x ".join(map(str, image.shape[1:]))


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].removeprefix("RuntimeError: ").rstrip(".") if lines else type(error).__name__
