"""Choosing points in a coarse map, and finding them in a fine one.

Points are flat indices, `row * width + column`, int32. They carry no gradient.
"""

from keras import ops

from keras_rsseg.ops.adaptive_pool import adaptive_max_pool
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.lean_graphs import as_float
from keras_rsseg.ops.lean_graphs import constant_if_known
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Size
from keras_rsseg.typing import Tensor


def maximum_points(
    scores: Tensor, grid_size: int, data_format: DataFormat | None = None
) -> Tensor:
    """Takes the largest score in each cell of a grid over the map.

    The cells are the windows of `adaptive_max_pool`: if `grid_size` does not
    divide the map's height or width, they overlap, and a point can be the
    maximum of several.

    Args:
        scores: Float tensor `(B, H, W, 1)`, or `(B, 1, H, W)` for
            channels-first.
        grid_size: Int. Cells per side.
        data_format: `"channels_last"`, `"channels_first"` or `None` for
            `keras.config.image_data_format()`.

    Returns:
        int32 tensor `(B, grid_size**2)`, cells in row-major order.

    Example:

    ```python
    from keras_rsseg.ops.point_selection import maximum_points

    scores = np.array([[0, 3], [2, 1]], "float32").reshape(1, 2, 2, 1)
    maximum_points(scores, grid_size=1)  # [[1]]
    ```
    """
    _, indices = adaptive_max_pool(
        ops.stop_gradient(ops.convert_to_tensor(scores)),
        grid_size,
        return_indices=True,
        data_format=data_format,
    )
    return ops.reshape(indices, (-1, grid_size**2))


def largest_points(
    scores: Tensor, number: int, data_format: DataFormat | None = None
) -> Tensor:
    """Takes the points with the largest scores of the whole map.

    Args:
        scores: Float tensor `(B, H, W, 1)`, or `(B, 1, H, W)` for
            channels-first.
        number: Int. Number of points, at most all pixels.
        data_format: `"channels_last"`, `"channels_first"` or `None` for
            `keras.config.image_data_format()`.

    Returns:
        int32 tensor `(B, K)`, largest first; `K` is `number`, or `H * W`
        if the map is smaller.

    Example:

    ```python
    from keras_rsseg.ops.point_selection import largest_points

    scores = np.array([[0, 3], [2, 1]], "float32").reshape(1, 2, 2, 1)
    largest_points(scores, number=3)  # [[1, 2, 3]]
    ```
    """
    scores = ops.convert_to_tensor(scores)
    data_format = standardize_data_format(data_format)
    height, width = spatial_size(scores, data_format)
    scores = ops.reshape(ops.stop_gradient(scores), (-1, height * width))
    if isinstance(height * width, int):
        number = min(number, height * width)
    else:
        number = ops.minimum(number, height * width)
    _, indices = ops.top_k(ops.cast(scores, "float32"), number)
    return ops.cast(indices, "int32")


def random_points(fractions: Tensor, grid_size: int, size: Size) -> Tensor:
    """Takes one pixel of each cell of a grid over the map.

    Args:
        fractions: Float tensor `(B, grid_size**2, 2)` of random numbers in
            [0, 1): the position of a point in its cell, down and right.
        grid_size: Int. Cells per side, see `maximum_points`.
        size: Pair `(height, width)` of the map, ints or scalar int tensors.

    Returns:
        int32 tensor `(B, grid_size**2)`, cells in row-major order.

    Example:

    ```python
    from keras_rsseg.ops.point_selection import random_points

    fractions = np.full((1, 4, 2), 0.99, "float32")
    # Rows 1 and 3, columns 2 and 5.
    random_points(fractions, grid_size=2, size=(4, 6))  # [[8, 11, 20, 23]]
    ```
    """
    fractions = ops.convert_to_tensor(fractions, dtype="float32")
    cells = ops.arange(grid_size**2, dtype="int32")
    row = _pixel_of(cells // grid_size, grid_size, size[0], fractions[..., 0])
    column = _pixel_of(cells % grid_size, grid_size, size[1], fractions[..., 1])
    return row * size[1] + column


def _pixel_of(cell, cells, length, fractions):
    first = cell * length // cells
    end = ((cell + 1) * length + cells - 1) // cells
    offset = fractions * ops.cast(end - first, "float32")
    # A product with a fraction near 1 may be rounded up to the length.
    return first + ops.minimum(ops.cast(offset, "int32"), end - first - 1)


def pixel_centres(indices: Tensor, size: Size) -> Tensor:
    """Returns the centres of pixels, as `sample_points` takes them.

    Args:
        indices: int32 tensor `(B, K)`.
        size: Pair `(height, width)` of the map, ints or scalar int tensors.

    Returns:
        float32 tensor `(B, K, 2)` of `(x, y)` as fractions of the map's
        width and height.

    Example:

    ```python
    from keras_rsseg.ops.point_selection import pixel_centres

    pixel_centres(np.array([[4]], "int32"), size=(2, 4))  # [[[0.125, 0.75]]]
    ```
    """
    height, width = size
    x = ops.cast(indices % width, "float32") + 0.5
    y = ops.cast(indices // width, "float32") + 0.5
    x = x / as_float(width)
    y = y / as_float(height)
    return ops.stack([x, y], axis=-1)


def pixels_at(points: Tensor, size: Size) -> Tensor:
    """Returns the pixels that contain points: inverts `pixel_centres`.

    Args:
        points: float32 tensor `(B, K, 2)` of `(x, y)` as fractions of the
            map's width and height, in [0, 1).
        size: Pair `(height, width)` of the map, ints or scalar int tensors.

    Returns:
        int32 tensor `(B, K)`.

    Example:

    ```python
    from keras_rsseg.ops.point_selection import pixels_at

    points = np.array([[[0.2, 0.9]]], "float32")  # first column, second row
    pixels_at(points, size=(2, 4))  # [[4]]
    ```
    """
    points = ops.convert_to_tensor(points, dtype="float32")
    height, width = size
    column = _along(points[..., 0], width)
    return _along(points[..., 1], height) * width + column


def _along(fractions, length):
    pixel = ops.cast(fractions * as_float(length), "int32")
    # A product with a fraction near 1 may be rounded up to the length.
    return ops.minimum(pixel, length - 1)


def released_fine_points(
    indices: Tensor, fine_size: Size, coarse_size: Size
) -> Tensor:
    """Finds points of a coarse map in a fine one, as PFNet's release does.

    With `r = H / h`, row and column are multiplied by `r` and the index is
    `trunc(column * r + row * r * W)`, every operation rounded to float32.
    For a map twice as large, this is the upper left of the four pixels; if
    `r` is not an integer, the row's fraction shifts the column.

    Args:
        indices: int32 tensor of any shape, points of the coarse map.
        fine_size: Pair `(H, W)`, ints or scalar int tensors.
        coarse_size: Pair `(h, w)`, the same.

    Returns:
        int32 tensor, points of the fine map.

    Example:

    ```python
    from keras_rsseg.ops.point_selection import released_fine_points

    released_fine_points(np.array([5]), (4, 6), (2, 3))  # [16]
    ```

    Reference:
        [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564), the
        released code.
    """
    indices = ops.convert_to_tensor(indices, dtype="int32")
    (height, width), (h, w) = fine_size, coarse_size
    row, column = indices // w, indices % w
    ratio = _ratio(height, h)
    height, width, w = (as_float(n) for n in (height, width, w))
    # Each product must be rounded separately; none reaches its bound. The
    # inner bound keeps XLA from merging the two factors (measured: 14 of
    # 21952 points of odd maps moved), the outer ones would keep a compiler
    # from fusing a product into the sum.
    column = ops.minimum(ops.cast(column, "float32") * ratio, height * w)
    row = ops.minimum(ops.cast(row, "float32") * ratio, height)
    flat = column + ops.minimum(row * width, height * width)
    return ops.cast(flat, "int32")


@constant_if_known
def _ratio(height, h):
    return ops.cast(height, "float32") / ops.cast(h, "float32")


def nearest_fine_points(
    indices: Tensor, fine_size: Size, coarse_size: Size
) -> Tensor:
    """Finds the pixels of a fine map nearest to the centres of coarse ones.

    Along each axis this is `ceil((q + 0.5) * N / n) - 1` for pixel `q` of
    `n`, the first of several that are equally near. It is exact, and distinct
    points stay distinct.

    Args:
        indices: int32 tensor of any shape, points of the coarse map.
        fine_size: Pair `(H, W)`, ints or scalar int tensors.
        coarse_size: Pair `(h, w)`, the same, not above `fine_size`.

    Returns:
        int32 tensor, points of the fine map.

    Example:

    ```python
    from keras_rsseg.ops.point_selection import nearest_fine_points

    nearest_fine_points(np.array([5]), (6, 9), (2, 3))  # [43]
    ```
    """
    indices = ops.convert_to_tensor(indices, dtype="int32")
    (height, width), (h, w) = fine_size, coarse_size
    row = ((2 * (indices // w) + 1) * height - 1) // (2 * h)
    column = ((2 * (indices % w) + 1) * width - 1) // (2 * w)
    return row * width + column
