"""Compact bytes of a prepared image, and the image of such bytes.

A record holds, for every layer and the truth charge, the smallest of three forms:

- ``palette``: a byte per pixel and the values it stands for, where an image has at most 256 values
  (coincidence layers, rebinned); exact.
- ``sparse``: a bit per pixel and the values that are not zero (truth charge); exact.
- ``float16``: for all others; the layers of ``prepare_image`` are rounded to it before.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.types import Frame

_ALIGNMENT = 8
_PALETTE = 256
_Arrays = list[NDArray[Any]]


def round_layers(image: Frame) -> Frame:
    """Round the layers of a prepared image, not its truth charge, to float16 in place.

    Shape (n_layers + 1, channel, slice), the truth charge last. Values of few kinds and values
    that float16 cannot hold (above 65504 electrons/tick) are left as they are.
    """
    for layer in image[:-1]:
        if _palette(layer) is None and np.abs(layer).max() <= np.finfo(np.float16).max:
            layer[...] = layer.astype(np.float16)
    return image


def encode_image(image: Frame, facts: dict[str, Any]) -> bytes:
    """Return the record of a prepared image.

    Args:
        image: rounded by ``round_layers``, shape (layer, channel, slice).
        facts: about the image, for JSON; ``decode_facts`` gives them back.
    """
    encoded = [_encode(layer) for layer in image]
    described = [
        [form, [[array.dtype.str, array.size] for array in arrays]] for form, arrays in encoded
    ]
    header = {"shape": image.shape, "layers": described, "facts": facts}
    text = json.dumps(header).encode()
    parts = [len(text).to_bytes(_ALIGNMENT, "little"), text]
    for _, arrays in encoded:
        for array in arrays:
            parts += [b"\0" * (-sum(map(len, parts)) % _ALIGNMENT), array.tobytes()]
    return b"".join(parts)


def decode_image(record: bytes) -> Frame:
    """Return the image of a record, float32 of shape (layer, channel, slice)."""
    header, offset = _header(record)
    image = np.empty(header["shape"], np.float32)
    for layer, (form, descriptions) in zip(image, header["layers"], strict=True):
        arrays: _Arrays = []
        for kind, size in descriptions:
            offset += -offset % _ALIGNMENT
            arrays.append(np.frombuffer(record, kind, size, offset))
            offset += arrays[-1].nbytes
        _DECODERS[form](layer, arrays)
    return image


def decode_facts(record: bytes) -> dict[str, Any]:
    """Return the facts about an image that its record holds."""
    facts: dict[str, Any] = _header(record)[0]["facts"]
    return facts


def _header(record: bytes) -> tuple[dict[str, Any], int]:
    """Return the header and the offset of what follows it."""
    end = _ALIGNMENT + int.from_bytes(record[:_ALIGNMENT], "little")
    return json.loads(record[_ALIGNMENT:end]), end


def _encode(layer: Frame) -> tuple[str, _Arrays]:
    palette = _palette(layer)
    present = layer != 0
    sparse = present.size // 8 + 4 * int(present.sum())
    if palette is not None and layer.size < sparse:
        return "palette", [palette, np.searchsorted(palette, layer).astype(np.uint8)]
    with np.errstate(over="ignore"):  # such values are not equal below
        half = layer.astype(np.float16)
    if sparse > 2 * layer.size and bool((half == layer).all()):
        return "float16", [half]
    return "sparse", [np.packbits(present), layer[present]]


def _palette(layer: Frame) -> Frame | None:
    """Return the values of a layer, ascending; ``None`` where there are too many."""
    # A part of the layer shows that there are too many without sorting all of it.
    if len(np.unique(layer[: max(1, len(layer) // 16)])) > _PALETTE:
        return None
    values = np.unique(layer)
    return values if len(values) <= _PALETTE else None


def _from_palette(layer: Frame, arrays: _Arrays) -> None:
    palette, indices = arrays
    np.take(palette, indices.reshape(layer.shape), out=layer, mode="clip")


def _from_sparse(layer: Frame, arrays: _Arrays) -> None:
    bits, values = arrays
    present = np.unpackbits(bits, count=layer.size).view(np.bool_).reshape(layer.shape)
    layer[...] = 0
    layer[present] = values


def _from_half(layer: Frame, arrays: _Arrays) -> None:
    layer[...] = arrays[0].reshape(layer.shape)


_DECODERS: dict[str, Callable[[Frame, _Arrays], None]] = {
    "palette": _from_palette,
    "sparse": _from_sparse,
    "float16": _from_half,
}
