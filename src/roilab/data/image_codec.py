"""Prepared images as compact bytes (records), and back.

A record begins with a JSON header, then holds, for every layer and for the truth charge, one of
three forms:

- ``float16``: of every pixel, where that is shorter and exact; ``round_layers`` makes it exact.
- ``sparse``: a bit per pixel, and the values that are not zero (truth charge); exact.
- ``palette``: the same with a byte for each of them, and a list of the at most 256 values that
  these bytes stand for (coincidence layers); exact.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from roilab.types import Frame

_ALIGNMENT = 8  # of header and arrays in a record [bytes]
_MAX_COLORS = 256
_HALF = np.finfo(np.float16)
_Arrays = list[NDArray[Any]]


def round_layers(image: Frame) -> Frame:
    """Round the layers of a prepared image, not its truth charge, to float16 in place.

    Left as they are: layers of at most 256 values (coincidence), which are stored exactly anyway,
    and layers with values beyond the range of float16 (65504 electrons/tick).

    Args:
        image: shape (n_layers + 1, channel, slice), the truth charge last.
    """
    for layer in image[:-1]:
        if _palette(layer) is None and np.abs(layer).max() <= _HALF.max:
            layer[...] = layer.astype(np.float16)
    image += 0.0  # -0 becomes 0, as the sparse form returns it
    return image


def encode_image(image: Frame) -> bytes:
    """Return the record of a prepared image; ``decode_image`` returns every value unchanged.

    Args:
        image: float32 of shape (layer, channel, slice), without -0.
    """
    layers = [_encode(layer) for layer in image]
    described = [
        (form, [(array.dtype.str, array.size) for array in arrays]) for form, arrays in layers
    ]
    text = json.dumps({"shape": image.shape, "layers": described}).encode()
    record = bytearray(len(text).to_bytes(_ALIGNMENT, "little") + text)
    for _, arrays in layers:
        for array in arrays:
            record += bytes(-len(record) % _ALIGNMENT) + array.tobytes()
    return bytes(record)


def decode_image(record: NDArray[np.uint8]) -> Frame:
    """Return the image of a record (writable bytes), float32 of shape (layer, channel, slice)."""
    offset = _ALIGNMENT + int.from_bytes(record[:_ALIGNMENT].tobytes(), "little")
    header = json.loads(record[_ALIGNMENT:offset].tobytes())
    image = np.empty(header["shape"], np.float32)
    for layer, (form, descriptions) in zip(image, header["layers"], strict=True):
        arrays: _Arrays = []
        for kind, size in descriptions:
            offset += -offset % _ALIGNMENT
            dtype = np.dtype(kind)
            arrays.append(record[offset : offset + size * dtype.itemsize].view(dtype))
            offset += arrays[-1].nbytes
        _DECODERS[form](layer, arrays)
    return image


def _encode(layer: Frame) -> tuple[str, _Arrays]:
    """Return the form of a layer and its arrays."""
    present = layer != 0
    values, bits = layer[present], np.packbits(present)
    palette = _palette(layer)
    if palette is not None:
        return "palette", [bits, palette, np.searchsorted(palette, values).astype(np.uint8)]
    with np.errstate(over="ignore"):  # such values differ in the comparison below
        half = layer.astype(np.float16)
    if half.nbytes < bits.nbytes + values.nbytes and bool((half == layer).all()):
        return "float16", [half]
    return "sparse", [bits, values]


def _palette(layer: Frame) -> Frame | None:
    """Return the values of a layer, ascending; ``None`` where there are too many."""
    # A part of the layer shows that there are too many without sorting all of it.
    part = layer[:: max(1, len(layer) // 50)]
    for pixels in (part, layer):
        values = np.unique(pixels)
        if len(values) > _MAX_COLORS:
            return None
    return values


def _from_palette(layer: Frame, arrays: _Arrays) -> None:
    bits, palette, indices = arrays
    _from_sparse(layer, [bits, palette[indices]])


def _from_sparse(layer: Frame, arrays: _Arrays) -> None:
    bits, values = arrays
    present = np.unpackbits(bits, count=layer.size).view(np.bool_).reshape(layer.shape)
    layer[...] = 0
    layer[present] = values


def _from_half(layer: Frame, arrays: _Arrays) -> None:
    # Torch converts several times faster than numpy.
    torch.from_numpy(layer).copy_(torch.from_numpy(arrays[0].reshape(layer.shape)))


_DECODERS: dict[str, Callable[[Frame, _Arrays], None]] = {
    "palette": _from_palette,
    "sparse": _from_sparse,
    "float16": _from_half,
}
