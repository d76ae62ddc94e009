"""Read parts of a numpy array (.npy) from a stream, in blocks."""

import math
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from roilab.frames.tag_info import ArrayType

_BLOCK_BYTES = 1 << 23


def read_header(stream: IO[bytes]) -> tuple[ArrayType, bool]:
    """Read shape and sample type of an array, and whether it is stored in Fortran order.

    Raises:
        ValueError: this is no numpy array, or one of Python objects.
    """
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("the array holds Python objects, which are never loaded")
    if any(length < 0 for length in shape):
        raise ValueError(f"the shape {shape} is impossible")
    return ArrayType(shape, dtype), fortran


def take(stream: IO[bytes], shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read the next ``shape`` samples of a stream, in C order.

    Raises:
        EOFError: the stream ends before.
    """
    count = shape[0] * shape[1] * dtype.itemsize
    data = stream.read(count)
    if len(data) != count:
        raise EOFError(f"{count - len(data)} bytes are missing")
    return np.frombuffer(data, dtype=dtype).reshape(shape)


def read_part(
    stream: IO[bytes],
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    lines: NDArray[np.intp],
    within: NDArray[np.intp] | slice,
) -> NDArray[Any]:
    """Read some lines of an array that is stored line after line, and a part of each.

    Blocks of lines are read up to the last wanted one, so memory is bounded.

    Args:
        stream: at the first sample.
        shape: (lines, samples of a line).
        dtype: of the samples.
        lines: ascending.
        within: samples of each line.

    Returns:
        Shape (len(lines), samples of ``within``).
    """
    n_lines, length = shape
    width = len(range(length)[within]) if isinstance(within, slice) else len(within)
    samples = np.empty((len(lines), width), dtype)
    per_block = max(1, _BLOCK_BYTES // max(1, length * dtype.itemsize))
    stop = min(n_lines, int(lines[-1]) + 1) if len(lines) else 0
    for first in range(0, stop, per_block):
        block = take(stream, (min(per_block, stop - first), length), dtype)
        low, high = np.searchsorted(lines, (first, first + len(block)))
        inside = lines[low:high] - first
        if len(inside) and inside[-1] - inside[0] + 1 == len(inside):
            samples[low:high] = block[inside[0] : inside[-1] + 1][:, within]  # without a copy
        else:
            samples[low:high] = block[inside][:, within]
    return samples


def read_to_end(stream: IO[bytes]) -> None:
    """Read the rest of a stream: zip and gzip compare their checksum at the end."""
    while stream.read(_BLOCK_BYTES):
        pass


def blocks(stream: IO[bytes], array: ArrayType) -> Iterator[NDArray[Any]]:
    """Read all samples after a header, in blocks of one dimension."""
    left = math.prod(array.shape or ())
    while left:
        count = min(left, max(1, _BLOCK_BYTES // array.dtype.itemsize))
        yield take(stream, (1, count), array.dtype)[0]
        left -= count
