"""Sampling of images at given points, with torch's conventions."""

from typing import Literal
from typing import TypeAlias
from typing import get_args

import keras
from keras import ops

from keras_rsseg.checks import check_choice
from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.data_format import CHANNELS_LAST
from keras_rsseg.ops.data_format import check_float
from keras_rsseg.ops.data_format import check_interpolation
from keras_rsseg.ops.data_format import check_rank
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import is_float
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.ops.lean_graphs import as_float
from keras_rsseg.ops.lean_graphs import row_starts
from keras_rsseg.ops.lean_graphs import shape_of
from keras_rsseg.ops.lean_graphs import take
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Interpolation
from keras_rsseg.typing import Tensor

_PaddingMode: TypeAlias = Literal["zeros", "border"]


def grid_sample(
    images: Tensor,
    grid: Tensor,
    interpolation: Interpolation = "bilinear",
    padding_mode: _PaddingMode = "zeros",
    align_corners: bool = False,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Samples images at the points of a grid, like torch's `grid_sample`.

    Coordinate -1 is the first and +1 the last pixel along its axis: their
    centres with `align_corners`, their outer borders without. Coordinates
    and sums are float32 whatever the dtype of the images. A bfloat16 grid
    is too coarse to sample with, so make it in float32.

    Args:
        images: Tensor `(B, H, W, C)`, or `(B, C, H, W)` for channels-first.
            Bilinear needs floats; nearest takes any dtype.
        grid: Float tensor `(B, Ho, Wo, 2)` of `(x, y)` coordinates, in this
            layout for either data format.
        interpolation: `"bilinear"` or `"nearest"` (halves round to the even
            pixel; the grid gets no gradient).
        padding_mode: Values outside the image: `"zeros"`, or `"border"`
            for the nearest border pixel.
        align_corners: Whether -1 and +1 are the centres of the corner
            pixels (`True`) or the borders of the image (`False`).
        data_format: `"channels_last"`, `"channels_first"` or `None` for
            `keras.config.image_data_format()`.

    Returns:
        Tensor `(B, Ho, Wo, C)`, or `(B, C, Ho, Wo)` for channels-first, of
        the images' dtype. A NaN coordinate never fails: the result is NaN
        for `"bilinear"` with `"zeros"`, and unspecified otherwise.

    Raises:
        ArgumentError: If an argument is not one of the above, or the batch
            sizes are known and differ.
        TypeError: If bilinear `images` or the grid hold integers.

    Example:

    ```python
    image = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    centre = np.zeros((1, 1, 1, 2), "float32")
    keras_rsseg.ops.grid_sample(image, centre)  # [[[[1.5]]]]
    ```

    Reference:
        `torch.nn.functional.grid_sample`;
        [Spatial Transformer Networks](https://arxiv.org/abs/1506.02025),
        equations 3 to 7.
    """
    data_format = standardize_data_format(data_format)
    images = ops.convert_to_tensor(images)
    grid = ops.convert_to_tensor(grid)
    _check_arguments(images, grid, interpolation, padding_mode)
    grid = ops.cast(grid, "float32")
    if keras.backend.backend() == "torch" and is_float(images):
        return _torch_grid_sample(
            images,
            grid,
            interpolation,
            padding_mode,
            align_corners,
            data_format,
        )
    x = to_channels_last(images, data_format)
    height, width = shape_of(x)[1:3]
    columns = _pixel_coordinates(grid[..., 0], width, align_corners)
    rows = _pixel_coordinates(grid[..., 1], height, align_corners)
    if padding_mode == "border":
        columns = _clip_to_border(columns, width)
        rows = _clip_to_border(rows, height)
    if interpolation == "nearest":
        sampled = _sample_nearest(x, rows, columns)
    else:
        sampled = _sample_bilinear(x, rows, columns)
    return from_channels_last(sampled, data_format)


def _check_arguments(images, grid, interpolation, padding_mode):
    check_rank("images", images, 4, "(B, H, W, C) or (B, C, H, W)")
    check_rank("grid", grid, 4, "(B, Ho, Wo, 2)")
    if grid.shape[-1] != 2:
        raise ArgumentError(
            "`grid` must have shape (B, Ho, Wo, 2). "
            f"Received: grid.shape={tuple(grid.shape)}"
        )
    batch_sizes = (images.shape[0], grid.shape[0])
    if None not in batch_sizes and batch_sizes[0] != batch_sizes[1]:
        raise ArgumentError(
            "`images` and `grid` must have the same batch size. Received: "
            f"{batch_sizes[0]} images and {batch_sizes[1]} grids"
        )
    check_choice("padding_mode", padding_mode, get_args(_PaddingMode))
    check_float("grid", grid)
    check_interpolation(images, interpolation)


def _torch_grid_sample(
    images, grid, interpolation, padding_mode, align_corners, data_format
):
    # In float32: the half-precision CPU kernel of torch 2.13 returns
    # garbage on channels-last maps.
    import torch

    x = images.float()
    if data_format == CHANNELS_LAST:
        x = x.permute(0, 3, 1, 2)
    sampled = torch.nn.functional.grid_sample(
        x,
        grid,
        mode=interpolation,
        padding_mode=padding_mode,
        align_corners=align_corners,
    ).to(images.dtype)
    if data_format == CHANNELS_LAST:
        return sampled.permute(0, 2, 3, 1)
    return sampled


def _pixel_coordinates(coordinates, length, align_corners):
    length = as_float(length)
    if align_corners:
        return (coordinates + 1.0) * (0.5 * (length - 1.0))
    return (coordinates + 1.0) * (0.5 * length) - 0.5


def _clip_to_border(positions, length):
    last = as_float(length) - 1.0
    # No gradient on or outside the border, as in torch; ops.clip would
    # have one on the border itself.
    inside = ops.logical_and(positions > 0.0, positions < last)
    clipped = ops.stop_gradient(ops.clip(positions, 0.0, last))
    return ops.where(inside, positions, clipped)


def _sample_nearest(x, rows, columns):
    height, width = shape_of(x)[1:3]
    rows = ops.round(ops.stop_gradient(rows))
    columns = ops.round(ops.stop_gradient(columns))
    outside = ops.logical_or(_outside(rows, height), _outside(columns, width))
    rows, columns = _to_indices(rows, height), _to_indices(columns, width)
    ((pixels,),) = _gather_pixels(x, [rows], [columns])
    return ops.where(outside[..., None], ops.zeros_like(pixels), pixels)


def _sample_bilinear(x, rows, columns):
    height, width = shape_of(x)[1:3]
    rows, row_weights = _neighbours(rows, height)
    columns, column_weights = _neighbours(columns, width)
    # Upcast before gathering, so that the backward scatter adds float32.
    gathered = _gather_pixels(ops.cast(x, "float32"), rows, columns)
    sampled = 0.0
    for row_weight, pixels_of_row in zip(row_weights, gathered, strict=True):
        for column_weight, pixels in zip(
            column_weights, pixels_of_row, strict=True
        ):
            weight = row_weight * column_weight
            sampled += ops.expand_dims(weight, -1) * pixels
    return ops.cast(sampled, x.dtype)


def _neighbours(positions, length):
    """The two pixels of an axis around a position, and their weights.

    The weight of a pixel outside is 0.
    """
    first = ops.stop_gradient(ops.floor(positions))
    second = first + 1.0
    fraction = positions - first
    weights = [
        ops.where(_outside(pixel, length), 0.0, weight)
        for pixel, weight in ((first, 1.0 - fraction), (second, fraction))
    ]
    return [_to_indices(pixel, length) for pixel in (first, second)], weights


def _outside(positions, length):
    # NaN does not count as outside: its weight becomes NaN, so that it shows.
    return ops.logical_or(positions < 0.0, positions >= as_float(length))


def _to_indices(positions, length):
    # Clipped after the cast: NaN becomes an arbitrary integer there.
    return ops.clip(ops.cast(positions, "int32"), 0, length - 1)


def _gather_pixels(x, rows, columns):
    """The pixels in each column of each row, `rows` x `columns` tensors."""
    batch, height, width, channels = shape_of(x)
    first = row_starts(batch, height * width, 2)
    flat = ops.reshape(x, (-1, channels))
    starts = [first + row * width for row in rows]
    return [
        [take(flat, start + column, axis=0) for column in columns]
        for start in starts
    ]
