"""Pooling to a given output size, with torch's windows."""

import keras
from keras import ops

from keras_rsseg.checks import check_positive
from keras_rsseg.ops.data_format import CHANNELS_LAST
from keras_rsseg.ops.data_format import check_float
from keras_rsseg.ops.data_format import check_rank
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import is_symbolic
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import standardize_size
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.ops.lean_graphs import constant_if_known
from keras_rsseg.ops.lean_graphs import row_starts
from keras_rsseg.ops.lean_graphs import shape_of
from keras_rsseg.ops.lean_graphs import take
from keras_rsseg.ops.portable import is_portable
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Size
from keras_rsseg.typing import Tensor


def adaptive_average_pool(
    images: Tensor,
    output_size: int | Size,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Averages images over a grid of windows that covers them.

    Window `i` of `o` over `n` pixels is `floor(i * n / o)` to
    `ceil((i + 1) * n / o)`: windows overlap where `o` does not divide `n`,
    and `o` may exceed `n`. Sums are float32.

    Args:
        images: Float tensor `(B, H, W, C)`, or `(B, C, H, W)` for
            channels-first, of any size.
        output_size: Int, or pair `(height, width)` of ints.
        data_format: `"channels_last"`, `"channels_first"` or `None` for
            `keras.config.image_data_format()`.

    Returns:
        Tensor of the images' layout and dtype with `output_size` windows.

    Raises:
        ArgumentError: If the rank, the output size or the data format is
            wrong.
        TypeError: If the images are not floating point.

    Example:

    ```python
    image = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    pooled = keras_rsseg.ops.adaptive_average_pool(image, 1)
    pooled  # [[[[1.5]]]]
    ```

    Reference:
        `torch.nn.functional.adaptive_avg_pool2d`.
    """
    images, size, data_format = _standardize(images, output_size, data_format)
    height, width = spatial_size(images, data_format)
    rows = _averaging_matrix(size[0], height)
    columns = _averaging_matrix(size[1], width)
    x = ops.cast(images, "float32")
    if data_format == CHANNELS_LAST:
        x = ops.einsum("Hh,bhwc->bHwc", rows, x)
        x = ops.einsum("Ww,bHwc->bHWc", columns, x)
    else:
        x = ops.einsum("Hh,bchw->bcHw", rows, x)
        x = ops.einsum("Ww,bcHw->bcHW", columns, x)
    return ops.cast(x, images.dtype)


def adaptive_max_pool(
    images: Tensor,
    output_size: int | Size,
    return_indices: bool = False,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Takes the maximum of images over a grid of windows that covers them.

    The windows are those of `adaptive_average_pool`. If several pixels share
    the maximum, the first in row-major order is taken and receives the
    gradient.

    Args:
        images: Float tensor `(B, H, W, C)`, or `(B, C, H, W)` for
            channels-first, of any size.
        output_size: Int, or pair `(height, width)` of ints.
        return_indices: Whether to also return the positions of the maxima.
        data_format: `"channels_last"`, `"channels_first"` or `None` for
            `keras.config.image_data_format()`.

    Returns:
        The maxima, a tensor of the images' layout and dtype. With
        `return_indices`, a pair of this and an int32 tensor of the same shape
        that holds `row * W + column` of each maximum.

    Raises:
        ArgumentError: If the rank, the output size or the data format is
            wrong.
        TypeError: If the images are not floating point.

    Example:

    ```python
    image = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    maxima, indices = keras_rsseg.ops.adaptive_max_pool(
        image, 1, return_indices=True
    )
    maxima  # [[[[3.0]]]]
    indices  # [[[[3]]]]
    ```

    Reference:
        `torch.nn.functional.adaptive_max_pool2d`.
    """
    images, size, data_format = _standardize(images, output_size, data_format)
    if keras.backend.backend() == "torch":
        maxima, indices = _torch_max_pool(images, size, data_format)
    else:
        x = to_channels_last(images, data_format)
        maxima, indices = _window_max_pool(x, size)
        maxima = from_channels_last(maxima, data_format)
        indices = from_channels_last(indices, data_format)
    return (maxima, indices) if return_indices else maxima


def _standardize(images, output_size, data_format):
    images = ops.convert_to_tensor(images)
    check_rank("images", images, 4, "(B, H, W, C) or (B, C, H, W)")
    check_float("images", images)
    if isinstance(output_size, int):
        output_size = [check_positive("output_size", output_size)] * 2
    output_size = standardize_size("output_size", output_size)
    return images, output_size, standardize_data_format(data_format)


def _windows(output_length, input_length):
    """Start and end of each window, int32 tensors."""
    window = ops.arange(output_length, dtype="int32")
    starts = window * input_length // output_length
    ends = ((window + 1) * input_length + output_length - 1) // output_length
    return starts, ends


@constant_if_known
def _averaging_matrix(output_length, input_length):
    starts, ends = _windows(output_length, input_length)
    pixels = ops.arange(input_length, dtype="int32")[None, :]
    inside = ops.logical_and(pixels >= starts[:, None], pixels < ends[:, None])
    lengths = ops.cast(ends - starts, "float32")
    return ops.cast(inside, "float32") / lengths[:, None]


@constant_if_known
def _window_table(output_height, output_width, height, width):
    """Pixels of each window as flat indices, `(windows, pixels)`."""
    rows = _window_pixels(output_height, height)
    columns = _window_pixels(output_width, width)
    table = rows[:, None, :, None] * width + columns[None, :, None, :]
    return ops.reshape(table, (output_height * output_width, -1))


def _window_pixels(output_length, input_length):
    """Pixels of each window, `(windows, longest)`, padded with its last."""
    starts, ends = _windows(output_length, input_length)
    if not is_symbolic(input_length) and input_length % output_length == 0:
        longest = input_length // output_length
    else:
        longest = (input_length + output_length - 1) // output_length + 1
    offsets = ops.arange(longest, dtype="int32")
    # A repeated pixel follows its original, so a first argmax skips it.
    return ops.minimum(starts[:, None] + offsets, ends[:, None] - 1)


def _window_max_pool(x, output_size):
    batch, height, width, channels = shape_of(x)
    windows_down, windows_across = output_size
    table = _window_table(windows_down, windows_across, height, width)
    pixels = ops.reshape(x, (batch, height * width, channels))
    windows = take(ops.stop_gradient(pixels), table, axis=1)
    best = _first_largest(windows)
    # Read the table at (window, best) through one flat gather.
    count, longest = shape_of(table)
    position = row_starts(count, longest, 1) + best
    indices = take(ops.reshape(table, (-1,)), position, axis=0)
    # Gather the maxima, so that only one pixel gets the gradient.
    image = row_starts(batch, height * width, 2)
    flat = (image + indices) * channels + row_starts(channels, 1)
    maxima = take(ops.reshape(x, (-1,)), flat, axis=0)
    shape = (batch, windows_down, windows_across, channels)
    return ops.reshape(maxima, shape), ops.reshape(indices, shape)


def _first_largest(windows):
    """Index of the first largest pixel in each window, int32."""
    if not is_portable():
        return ops.cast(ops.argmax(windows, axis=2), "int32")
    # TensorFlow's looks at the bits of a zero for its sign, ONNX has no such
    # operator.
    largest = ops.max(windows, axis=2, keepdims=True)
    longest = shape_of(windows)[2]
    position = ops.arange(longest, dtype="int32")[:, None]
    first = ops.where(windows == largest, position, longest - 1)
    return ops.min(first, axis=2)


def _torch_max_pool(images, output_size, data_format):
    # 8 times cheaper than the window table. Maxima are exact in any dtype,
    # and float32 has a kernel on every device.
    import torch

    x = images.float()
    if data_format == CHANNELS_LAST:
        x = x.permute(0, 3, 1, 2)
    maxima, indices = torch.nn.functional.adaptive_max_pool2d(
        x, output_size, return_indices=True
    )
    maxima, indices = maxima.to(images.dtype), indices.to(torch.int32)
    if data_format == CHANNELS_LAST:
        return maxima.permute(0, 2, 3, 1), indices.permute(0, 2, 3, 1)
    return maxima, indices
