"""Prepared images as compact bytes (records), and back.

A record begins with a JSON header, then holds, for every layer and for the truth charge, the
shortest of these forms:

- ``float24``: of every pixel the upper 24 bits of its float32; ``round_layers`` makes them exact.
- ``palette``: a byte for every pixel, or for two, and the values that they stand for (coincidence
  layers); exact.
- ``sparse``: a bit for every pixel, and the values that are not zero (truth charge); exact.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.types import Frame

_ALIGNMENT = 8  # of header and arrays in a record [bytes]
_BYTE, _NIBBLE = 256, 16  # values that a byte, or half of it, can stand for
_LOWER_BITS = 0xFF  # of a float32, which float24 lacks
_Arrays = list[NDArray[Any]]


def round_layers(image: Frame) -> Frame:
    """Round the layers of a prepared image, not its truth charge, to 24 bits in place.

    The relative error is at most 2**-16. Layers of at most 256 values (coincidence), which are
    stored exactly anyway, are left as they are.

    Args:
        image: shape (n_layers + 1, channel, slice), the truth charge last.
    """
    for layer in image[:-1]:
        if _palette(layer) is None:
            bits = layer.view(np.uint32)
            bits += (_LOWER_BITS >> 1) + ((bits >> 8) & 1)  # to the nearest, halves to even
            bits &= ~np.uint32(_LOWER_BITS)
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
    """Return the image of a record: float32 [electrons/tick], shape (layer, channel, slice)."""
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
    sparse_bytes = layer.size // 8 + 4 * int(present.sum())
    palette = _palette(layer)
    if palette is not None:
        indices = np.searchsorted(palette, layer.ravel()).astype(np.uint8)
        if len(palette) <= _NIBBLE and layer.size % 2 == 0 and layer.size // 2 < sparse_bytes:
            return "pairs", [_pairs_of(palette), indices[::2] + _NIBBLE * indices[1::2]]
        if layer.size < sparse_bytes:
            return "palette", [palette, indices]
    words = layer.view(np.uint32)
    if 3 * layer.size < sparse_bytes and not (words & _LOWER_BITS).any():
        return "float24", [(words >> 16).astype(np.uint16), (words >> 8).astype(np.uint8)]
    return "sparse", [np.packbits(present), layer[present]]


def _pairs_of(palette: Frame) -> Frame:
    """Return the two values that a byte stands for, for every byte: shape (256, 2)."""
    values = np.zeros(_NIBBLE, np.float32)
    values[: len(palette)] = palette
    return np.stack([np.tile(values, _NIBBLE), np.repeat(values, _NIBBLE)], axis=1)


def _palette(layer: Frame) -> Frame | None:
    """Return the values of a layer, ascending; ``None`` where there are too many."""
    # A part of the layer shows that there are too many without sorting all of it.
    part = layer[:: max(1, len(layer) // 50)]
    for pixels in (part, layer):
        values = np.unique(pixels)
        if len(values) > _BYTE:
            return None
    return values


def _from_pairs(layer: Frame, arrays: _Arrays) -> None:
    pairs, indices = arrays
    out = layer.reshape(-1).view(np.complex64)  # two values at a time
    np.take(pairs.view(np.complex64), indices, out=out, mode="clip")


def _from_palette(layer: Frame, arrays: _Arrays) -> None:
    palette, indices = arrays
    np.take(palette, indices.reshape(layer.shape), out=layer, mode="clip")


def _from_sparse(layer: Frame, arrays: _Arrays) -> None:
    bits, values = arrays
    present = np.unpackbits(bits, count=layer.size).view(np.bool_).reshape(layer.shape)
    layer[...] = 0
    layer[present] = values


def _from_float24(layer: Frame, arrays: _Arrays) -> None:
    upper, middle = arrays
    halves = layer.reshape(-1).view(np.uint16).reshape(-1, 2)  # lower, upper
    halves[:, 1] = upper
    np.left_shift(middle, 8, out=halves[:, 0], dtype=np.uint16)


_DECODERS: dict[str, Callable[[Frame, _Arrays], None]] = {
    "pairs": _from_pairs,
    "palette": _from_palette,
    "sparse": _from_sparse,
    "float24": _from_float24,
}
