"""Which rows of its input an operation needs for some rows of its output.

A row is an image's channel, at whatever size. Plain integers, so that TorchScript compiles these
functions into the exported file and the planner calls the same ones.

A geometry is a list of six: extent, stride and padding of a window, all in rows; scale of a
bilinear upsampling, and 1 where it aligns corners; how the image is filled with zeros: 1 for being
placed in the middle of another height (or cropped), more for zeros after its end up to a multiple.
"""


def window(extent: int, stride: int, padding: int) -> list[int]:
    """Of a convolution or a pooling."""
    return [extent, stride, padding, 1, 0, 0]


def up(scale: int, align_corners: bool) -> list[int]:
    """Of a bilinear upsampling."""
    return [1, 1, 0, scale, int(align_corners), 0]


def row_by_row() -> list[int]:
    """Of an operation on each row by itself."""
    return window(1, 1, 0)


def placed() -> list[int]:
    """Of an image in the middle of another."""
    return [1, 1, 0, 1, 0, 1]


def filled(multiple: int) -> list[int]:
    """Of an image with zeros after its end."""
    return [1, 1, 0, 1, 0, multiple]


def zeros_before(geometry: list[int], rows_in: int, out: int) -> int:
    """Rows of zeros before a placed or filled image; negative where it is cropped."""
    return (out - rows_in) // 2 if geometry[5] == 1 else 0


def rows_out(geometry: list[int], rows_in: int, rows_like: int) -> int:
    """Height of the output.

    Args:
        geometry: of the operation.
        rows_in: height of the input.
        rows_like: height of the image into which it is placed.
    """
    if geometry[5] == 1:
        return rows_like
    if geometry[5] > 1:
        return (rows_in + geometry[5] - 1) // geometry[5] * geometry[5]
    return ((rows_in + 2 * geometry[2] - geometry[0]) // geometry[1] + 1) * geometry[3]


def rows_needed(
    geometry: list[int], first: int, last: int, rows_in: int, out: int
) -> tuple[int, int]:
    """Half-open range of input rows, inside the image, at least one.

    Args:
        geometry: of the operation.
        first: row of the output.
        last: row after the last.
        rows_in: height of the input.
        out: height of the output.
    """
    if geometry[5] > 0:
        before = zeros_before(geometry, rows_in, out)
        low, high = first - before, last - before
    elif geometry[3] > 1:
        # Beyond the row below and the one above, one more: coordinates are computed in float32 and
        # may fall short of a whole number.
        if geometry[4] == 1:
            low = first * (rows_in - 1) // max(out - 1, 1) - 1
            high = (last - 1) * (rows_in - 1) // max(out - 1, 1) + 3
        else:
            low, high = first // geometry[3] - 2, (last - 1) // geometry[3] + 3
    else:
        low = first * geometry[1] - geometry[2]
        high = (last - 1) * geometry[1] - geometry[2] + geometry[0]
    low = min(max(low, 0), rows_in - 1)
    return low, min(max(high, low + 1), rows_in)
