"""Input rows that an operation reads for some rows of its output.

A row is one channel of an image of features, at the stride of that image. All functions use plain
integers: TorchScript compiles them into the exported file, and the planner calls them too.

A geometry is a list of six integers: extent, stride and padding of a window [rows]; scale of a
bilinear upsampling; 1 where it aligns corners; and the padding of images: 0 for none, 1 for an
image placed in the middle of another height (or cropped), a larger number for zeros after the end
up to a multiple of it.
"""


def row_geometry(
    window: tuple[int, int, int] = (1, 1, 0),
    scale: int = 1,
    align_corners: bool = False,
    padding: int = 0,
) -> list[int]:
    """Return a geometry; by default that of an operation that reads only the row it computes."""
    return [*window, scale, int(align_corners), padding]


def zero_rows_above(geometry: list[int], height_in: int, height_out: int) -> int:
    """Return the rows of zeros above a placed image; negative where rows are cropped."""
    return (height_out - height_in) // 2 if geometry[5] == 1 else 0


def output_height(geometry: list[int], height_in: int, height_like: int) -> int:
    """Return the height of the output; a placed image lies in ``height_like``."""
    if geometry[5] == 1:
        return height_like
    if geometry[5] > 1:
        return (height_in + geometry[5] - 1) // geometry[5] * geometry[5]
    return ((height_in + 2 * geometry[2] - geometry[0]) // geometry[1] + 1) * geometry[3]


def input_rows(
    geometry: list[int], first: int, last: int, height_in: int, height_out: int
) -> tuple[int, int]:
    """Return the half-open range of input rows, inside the image and at least one row.

    Rows ``first`` to ``last`` (half-open) of the output need them.
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
