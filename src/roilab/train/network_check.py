"""Check before a training, on small random images, that network and loss fit into it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from roilab.errors import RoilabError, message
from roilab.models import NetworkError
from roilab.train.module import RoiModule

log = logging.getLogger(__name__)

_EVEN, _ODD = (64, 96), (75, 131)  # channels x slices; the second is divisible by nothing
_MULTIPLES = (2, 4, 8, 16, 32, 64)
_SIZES_TEXT = "expected any size of at least 32 x 32"


class LossError(RoilabError):
    """A loss does not give a scalar that the network can learn from."""


def check_network(module: RoiModule, warn: bool = True) -> None:
    """Check outputs of the network and value of the loss; weights and random numbers stay.

    Args:
        module: on the CPU.
        warn: log a warning where the outputs seem to be probabilities.

    Raises:
        NetworkError: the network does not map layers to one logit per pixel at any size.
        LossError: the loss gives no scalar, or none that depends on the network.
    """
    net, n_layers = module.net, len(module.recipe["data"]["layers"])
    image = torch.rand(2, n_layers, *_EVEN, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng(devices=[]):
        with torch.no_grad(), _training(net, False):
            outputs = [_logits(net, factor * image) for factor in (1, -1, 100, -100)]
            _check_odd_size(net, n_layers)
        if warn and all(float(o.min()) >= 0 and float(o.max()) <= 1 for o in outputs):
            log.warning(
                "%s: all outputs are between 0 and 1, also for large inputs; expected logits. If "
                "it ends with a sigmoid, remove that: loss, metrics and export add the sigmoid.",
                type(net).__name__,
            )
        with _same_state(net), _training(net, True):
            _check_loss(module, _logits(net, image, " while it trains"))


def _logits(net: nn.Module, image: torch.Tensor, when: str = "") -> torch.Tensor:
    """Return the network's output for an image.

    Raises:
        NetworkError: the network fails, or the output is no logit per pixel.
    """
    name, (batch, layers, height, width) = type(net).__name__, image.shape
    try:
        output = net(image)
    except NetworkError:
        raise
    except Exception as error:  # any type: it is the user's code
        raise NetworkError(
            f"{name} cannot compute {batch} images of {layers} layers x {height} channels x "
            f"{width} slices{when} ({message(error)}); {_SIZES_TEXT}, with as many layers as "
            "data.layers has (n_layers). Correct its forward."
        ) from error
    expected = (batch, 1, height, width)
    if not isinstance(output, torch.Tensor):
        raise NetworkError(
            f"{name} returns a {type(output).__name__}{when}; expected one tensor of logits "
            "(batch, 1, channel, slice). Return the logits alone."
        )
    if output.shape == expected:
        return output
    text = f"{name} returns the shape {tuple(output.shape)}{when} for {tuple(image.shape)}"
    if output.dim() == 4 and output.shape[1] != 1:
        raise NetworkError(
            f"{text}: {output.shape[1]} channels; expected {expected}, one logit per pixel, of a "
            "ROI against none. Give its last convolution one output."
        )
    raise NetworkError(
        f"{text}; expected {expected}, one logit per pixel. Pad or upsample inside the network so "
        "that the output has the size of the image."
    )


def _check_odd_size(net: nn.Module, n_layers: int) -> None:
    """Check that the network takes an image whose size is divisible by nothing."""
    try:
        _logits(net, torch.rand(1, n_layers, *_ODD))
    except NetworkError as error:
        multiple = next((m for m in _MULTIPLES if _works(net, n_layers, m)), None)
        sizes = "for some sizes" if multiple is None else f"if {multiple} divides both sizes"
        raise NetworkError(
            f"{type(net).__name__} works only {sizes}, not for {_ODD[0]} x {_ODD[1]} (channels x "
            f"slices); {_SIZES_TEXT}, because WCT chooses it. Pad the image inside "
            f"(roilab.models.pad_to_multiple(x, {multiple or 32})) and crop the logits to the size "
            f"of the image, or derive it from roilab.models.RoiNetwork with multiple="
            f"{multiple or 32}."
        ) from error


def _works(net: nn.Module, n_layers: int, multiple: int) -> bool:
    first = -(-32 // multiple) | 1  # odd numbers, so that twice the multiple divides neither size
    try:
        _logits(net, torch.rand(1, n_layers, multiple * first, multiple * (first + 2)))
    except NetworkError:
        return False
    return True


def _check_loss(module: RoiModule, logits: torch.Tensor) -> None:
    name, truth_mask = type(module.loss).__name__, (torch.rand_like(logits) > 0.9).float()
    advice = "A loss maps (logits, truth mask), both (batch, 1, channel, slice), to a scalar."
    try:
        loss = module.loss(logits.float(), truth_mask)
    except RoilabError:
        raise
    except Exception as error:  # any type: it is the user's code
        raise LossError(f"loss {name} fails ({message(error)}). {advice}") from error
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
        got = f"the shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else repr(loss)
        raise LossError(f"loss {name} returns {got}; expected one number as a tensor. {advice}")
    if not loss.requires_grad:
        raise LossError(
            f"loss {name} has no gradient for the weights of {type(module.net).__name__}; expected "
            "operations of torch without detach() or thresholds, and weights that are not frozen."
        )


@contextmanager
def _training(net: nn.Module, mode: bool) -> Iterator[None]:
    """Set training or evaluation mode; restore that of every part at the end."""
    before = [(part, part.training) for part in net.modules()]
    net.train(mode)
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


@contextmanager
def _same_state(net: nn.Module) -> Iterator[None]:
    """Restore weights and statistics at the end."""
    state = {name: value.clone() for name, value in net.state_dict().items()}
    try:
        yield
    finally:
        net.load_state_dict(state)
