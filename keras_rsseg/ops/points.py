"""Reading and writing maps at a few points."""

import keras
import numpy as np
from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.data_format import CHANNELS_LAST
from keras_rsseg.ops.data_format import check_float
from keras_rsseg.ops.data_format import check_rank
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import is_float
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.ops.grid_sample import grid_sample
from keras_rsseg.ops.lean_graphs import row_starts
from keras_rsseg.ops.lean_graphs import shape_of
from keras_rsseg.ops.lean_graphs import take
from keras_rsseg.ops.portable import is_portable
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Tensor


def gather_points(
    features: Tensor, indices: Tensor, data_format: DataFormat | None = None
) -> Tensor:
    """Reads a feature map at flat indices.

    Args:
        features: Tensor `(B, H, W, C)`, or `(B, C, H, W)` for
            channels-first.
        indices: Integer tensor `(B, K)`: `row * W + column`. An index
            outside `[0, H * W)` gives NaN, or -1 for integer features, which
            is 255, void, in a uint8 mask.
        data_format: `"channels_last"`, `"channels_first"` or `None` for
            `keras.config.image_data_format()`.

    Returns:
        Tensor `(B, K, C)` of the features' dtype, for either data format.

    Raises:
        ArgumentError: If a rank or the data format is wrong.
        TypeError: If the indices are not integers.

    Example:

    ```python
    features = np.arange(6).reshape(1, 2, 3, 1)
    keras_rsseg.ops.gather_points(features, [[4]])  # [[[4]]]
    ```

    Reference:
        `torch.gather` on the flattened map, with one index for all
        channels.
    """
    data_format = standardize_data_format(data_format)
    features, indices = _convert(features, indices)
    x = to_channels_last(features, data_format)
    batch, height, width, channels = shape_of(x)
    # Valid indices only: what a gather returns for others depends on backend,
    # device and compilation, and can be a pixel of another image.
    valid, flat = _flat_indices(indices, batch, height * width, 0)
    gathered = take(ops.reshape(x, (-1, channels)), flat, axis=0)
    dtype = keras.backend.standardize_dtype(features.dtype)
    missing = float("nan") if is_float(features) else np.array(-1).astype(dtype)
    return ops.where(valid[..., None], gathered, missing)


def scatter_points(
    features: Tensor,
    indices: Tensor,
    values: Tensor,
    data_format: DataFormat | None = None,
    unique: bool = False,
) -> Tensor:
    """Overwrites a feature map at flat indices.

    If an index is given more than once, the last of its values is written,
    and only this value receives a gradient. Finding it takes memory that
    grows with the square of the number of points, unless `unique`.

    Args:
        features: Tensor `(B, H, W, C)`, or `(B, C, H, W)` for
            channels-first.
        indices: Integer tensor `(B, K)`: `row * W + column`. An index
            outside `[0, H * W)` is an error on torch and in TensorFlow's
            graphs on the CPU. Compiled programs (XLA, JAX) cannot raise;
            they skip such a point.
        values: Tensor `(B, K, C)`, cast to the features' dtype.
        data_format: `"channels_last"`, `"channels_first"` or `None` for
            `keras.config.image_data_format()`.
        unique: Whether every index of an image is given only once. If one is
            repeated nevertheless, it is undefined which value is written.

    Returns:
        Tensor like `features`. Replaced pixels of `features` receive no
        gradient.

    Raises:
        ArgumentError: If a rank or the data format is wrong.
        TypeError: If the indices are not integers.

    Example:

    ```python
    features = np.zeros((1, 2, 3, 1), "float32")
    values = np.ones((1, 1, 1), "float32")
    written = keras_rsseg.ops.scatter_points(features, [[4]], values)
    written[0, :, :, 0]  # [[0, 0, 0], [0, 1, 0]]
    ```

    Reference:
        `torch.scatter` on the flattened map, with one index for all
        channels and a defined order.
    """
    data_format = standardize_data_format(data_format)
    features, indices = _convert(features, indices)
    values = ops.cast(ops.convert_to_tensor(values), features.dtype)
    _check_values(values, indices)
    x = to_channels_last(features, data_format)
    batch, height, width, channels = shape_of(x)
    _, flat = _flat_indices(
        indices, batch, height * width, batch * height * width
    )
    rows = ops.reshape(x, (-1, channels))
    if is_portable() and not unique:
        written = _write_last(rows, flat, indices, values)
    else:
        if not unique:
            values = _last_of_equal(indices, values)
        written = ops.scatter_update(
            rows,
            ops.reshape(flat, (-1, 1)),
            ops.reshape(values, (-1, channels)),
        )
    written = ops.reshape(written, (batch, height, width, channels))
    return from_channels_last(written, data_format)


def sample_points(
    features: Tensor, points: Tensor, data_format: DataFormat | None = None
) -> Tensor:
    """Samples a feature map bilinearly at points between its pixels.

    Args:
        features: Float tensor `(B, H, W, C)`, or `(B, C, H, W)` for
            channels-first.
        points: Float tensor `(B, K, 2)` of `(x, y)` as fractions of the
            image's width and height: pixel `q` has its centre at
            `(q + 0.5) / length`. Values outside the image are zero.
        data_format: `"channels_last"`, `"channels_first"` or `None` for
            `keras.config.image_data_format()`.

    Returns:
        Tensor `(B, K, C)` of the features' dtype, for either data format.

    Raises:
        ArgumentError: If a rank, a batch size or the data format is wrong.
        TypeError: If the features or the points are not floating point.

    Example:

    ```python
    features = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    centre = np.full((1, 1, 2), 0.5, "float32")
    keras_rsseg.ops.sample_points(features, centre)  # [[[1.5]]]
    ```

    Reference:
        `point_sample` of [PointRend](https://arxiv.org/abs/1912.08193);
        `torch.nn.functional.grid_sample(features, 2 * points - 1)`.
    """
    data_format = standardize_data_format(data_format)
    points = ops.convert_to_tensor(points)
    check_rank("points", points, 3, "(B, K, 2)")
    check_float("points", points)
    grid = ops.expand_dims(2.0 * ops.cast(points, "float32") - 1.0, axis=2)
    sampled = grid_sample(
        features, grid, align_corners=False, data_format=data_format
    )
    if data_format == CHANNELS_LAST:
        return ops.squeeze(sampled, axis=2)
    return ops.transpose(ops.squeeze(sampled, axis=3), (0, 2, 1))


def _convert(features, indices):
    features = ops.convert_to_tensor(features)
    indices = ops.convert_to_tensor(indices)
    check_rank("features", features, 4, "(B, H, W, C) or (B, C, H, W)")
    check_rank("indices", indices, 2, "(B, K)")
    if "int" not in keras.backend.standardize_dtype(indices.dtype):
        raise TypeError(
            "`indices` must be integers. Received dtype: "
            f"{keras.backend.standardize_dtype(indices.dtype)}"
        )
    return features, ops.cast(indices, "int32")


def _check_values(values, indices):
    check_rank("values", values, 3, "(B, K, C)")
    points = (indices.shape[1], values.shape[1])
    if None not in points and points[0] != points[1]:
        raise ArgumentError(
            "`values` must have one row per index. Received: "
            f"values.shape={tuple(values.shape)} and "
            f"indices.shape={tuple(indices.shape)}"
        )


def _flat_indices(indices, batch, area, invalid):
    """Which are valid, and rows of `(B * H * W, C)`; `invalid` for others."""
    first = row_starts(batch, area, 1)
    valid = ops.logical_and(indices >= 0, indices < area)
    return valid, ops.where(valid, first + indices, invalid)


def _last_of_equal(indices, values):
    """Gives all points with the same index the value of the last of them.

    The order in which a scatter writes equal indices is undefined (GPU) or
    an accident (CPU); equal values make it irrelevant.
    """
    points = shape_of(indices)[1]
    order, last = _order_and_last(indices)
    batch, _, channels = shape_of(values)
    rows = row_starts(batch, points, 1) + last
    winners = take(ops.reshape(values, (-1, channels)), rows, axis=0)
    if keras.backend.backend() == "jax":
        # JAX passes the written pixel's gradient to one of the equal points.
        return winners
    # TensorFlow and torch pass it to each of them: only the last keeps it.
    return ops.where(
        (last == order)[..., None], values, ops.stop_gradient(winners)
    )


def _order_and_last(indices):
    """The points' numbers, and for each the last point with its index."""
    order = row_starts(shape_of(indices)[1], 1)
    equal = indices[:, :, None] == indices[:, None, :]
    return order, ops.max(ops.where(equal, order, -1), axis=-1)


def _write_last(rows, flat, indices, values):
    """Writes the last of equal points, and no index twice.

    LiteRT and others add up what is written to one index. All points but the
    last go to an extra row, which is dropped.
    """
    count, channels = shape_of(rows)
    order, last = _order_and_last(indices)
    flat = ops.where(last == order, flat, count)
    written = ops.scatter_update(
        ops.concatenate([rows, ops.zeros((1, channels), rows.dtype)]),
        ops.reshape(flat, (-1, 1)),
        ops.reshape(values, (-1, channels)),
    )
    return written[:count]
