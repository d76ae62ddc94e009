"""Memory of a network that is not computed in bands, measured on small images."""

import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

# Channels and slices of two small images; multiples of 64, so that no network pads them.
_SIZES = ((64, 128), (128, 256))


def peak_bytes(network: nn.Module, n_layers: int, size: tuple[int, int]) -> int:
    """Return the largest memory of all images of features held at once [bytes].

    Args:
        network: maps an image (1, layer, channel, slice) to a tensor.
        n_layers: number of input layers.
        size: channels and slices of the image, as large as wanted: it is not computed.
    """

    def measure(image: torch.Tensor) -> int:
        with torch.no_grad(), _LiveTensors(image) as live:
            network(image)
        return live.peak

    return extrapolate(measure, n_layers, size)


def extrapolate(
    measure: Callable[[torch.Tensor], int], n_layers: int, size: tuple[int, int]
) -> int:
    """Return a memory [bytes] at a large size from ``measure`` at two small ones.

    Images of features grow with the number of pixels p, attention between all pixels with its
    square: the two measurements give a and b of a p + b p^2.
    """
    pixels = [float(height * width) for height, width in _SIZES]
    images = (torch.rand(1, n_layers, *small) for small in _SIZES)
    (p, q), (x, y) = pixels, (measure(image) for image in images)
    square = max((y / q - x / p) / (q - p), 0.0)
    linear = y / q - square * q
    wanted = float(size[0] * size[1])
    return int(linear * wanted + square * wanted**2)


class _LiveTensors(TorchFunctionMode):
    """Count the memory of tensors while they exist; tensors that share memory count once."""

    def __init__(self, image: torch.Tensor) -> None:
        super().__init__()
        self.users: Counter[int] = Counter()  # tensors by address
        self.sizes: dict[int, int] = {}  # bytes by address
        self.now = self.peak = 0
        self._add(image)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor) and not isinstance(tensor, nn.Parameter):
                self._add(tensor)
        return result

    def _add(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        address, size = storage.data_ptr(), storage.nbytes()
        if not self.users[address]:
            self.sizes[address] = size
            self.now += size
            self.peak = max(self.peak, self.now)
        self.users[address] += 1
        weakref.finalize(tensor, self._remove, address)

    def _remove(self, address: int) -> None:
        self.users[address] -= 1
        if not self.users[address]:
            self.now -= self.sizes.pop(address)
