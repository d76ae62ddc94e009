"""Input rows that an operation reads for some rows of its output.

A row is one channel of an image of features, at the stride of that image. All functions use plain
integers: TorchScript compiles them into the exported file, and the planner calls them too.

A geometry is a list of six integers: extent, stride and padding of a window [rows]; scale of a
bilinear upsampling; 1 where it aligns corners; and the padding of images: 0 for none, 1 for an
image placed in the middle of another height (or cropped), a larger number for zeros after the end
up to a multiple of it.
"""


def window_geometry(extent: int, stride: int, padding: int) -> list[int]:
    """Return the geometry of a convolution or pooling."""
    return [extent, stride, padding, 1, 0, 0]


def upsampling_geometry(scale: int, align_corners: bool) -> list[int]:
    """Return the geometry of a bilinear upsampling."""
    return [1, 1, 0, scale, int(align_corners), 0]


def rowwise_geometry() -> list[int]:
    """Return the geometry of an operation that reads only the row it computes."""
    return window_geometry(1, 1, 0)


def placement_geometry() -> list[int]:
    """Return the geometry of placing an image in the middle of another size."""
    return [1, 1, 0, 1, 0, 1]


def padding_geometry(multiple: int) -> list[int]:
    """Return the geometry of adding zeros after the end, up to a multiple."""
    return [1, 1, 0, 1, 0, multiple]


def zero_rows_above(geometry: list[int], height_in: int, height_out: int) -> int:
    """Return the rows of zeros above a placed image; negative where rows are cropped."""
    return (height_out - height_in) // 2 if geometry[5] == 1 else 0


def output_height(geometry: list[int], height_in: int, height_like: int) -> int:
    """Return the height of the output.

    Args:
        geometry: of the operation.
        height_in: height of the input.
        height_like: height in which a placed image lies.
    """
    if geometry[5] == 1:
        return height_like
    if geometry[5] > 1:
        return (height_in + geometry[5] - 1) // geometry[5] * geometry[5]
    return ((height_in + 2 * geometry[2] - geometry[0]) // geometry[1] + 1) * geometry[3]


def input_rows(
    geometry: list[int], first: int, last: int, height_in: int, height_out: int
) -> tuple[int, int]:
    """Return the half-open range of input rows, inside the image and at least one row.

    Args:
        geometry: of the operation.
        first: first row of the output.
        last: row after the last row of the output.
        height_in: height of the input.
        height_out: height of the output.
    """
    if geometry[5] > 0:
        above = zero_rows_above(geometry, height_in, height_out)
        low, high = first - above, last - above
    elif geometry[3] > 1:
        # One row more than the two neighbours on each side: coordinates are computed in float32
        # and can lie just below an integer.
        if geometry[4] == 1:
            low = first * (height_in - 1) // max(height_out - 1, 1) - 1
            high = (last - 1) * (height_in - 1) // max(height_out - 1, 1) + 3
        else:
            low, high = first // geometry[3] - 2, (last - 1) // geometry[3] + 3
    else:
        low = first * geometry[1] - geometry[2]
        high = (last - 1) * geometry[1] - geometry[2] + geometry[0]
    low = min(max(low, 0), height_in - 1)
    return low, min(max(high, low + 1), height_in)
