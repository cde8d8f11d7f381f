"""Resizing with torch's conventions, any size, on any backend."""

import keras
from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.data_format import CHANNELS_LAST
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import check_interpolation
from keras_rsseg.ops.data_format import check_rank
from keras_rsseg.ops.data_format import has_tensorflow_kernel
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import standardize_size
from keras_rsseg.ops.lean_graphs import constant_if_known
from keras_rsseg.ops.lean_graphs import shape_of
from keras_rsseg.ops.lean_graphs import shared_in_training
from keras_rsseg.ops.lean_graphs import take
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Interpolation
from keras_rsseg.typing import Size
from keras_rsseg.typing import Tensor


def resize(
    images: Tensor,
    size: Size,
    interpolation: Interpolation = "bilinear",
    align_corners: bool = False,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Resizes images or feature maps like `torch.nn.functional.interpolate`.

    Bilinear source positions are `dst * (in - 1) / (out - 1)` with
    `align_corners` (0 when `out` is 1) and `(dst + 0.5) * in / out - 0.5`,
    clamped to the image, without. There is no antialiasing. Nearest takes
    `floor(dst * in / out)`. Positions and weights are float32 whatever the
    dtype of the images.

    Args:
        images: Tensor `(B, H, W, C)`, or `(B, C, H, W)` for channels-first.
            Bilinear needs floats; nearest takes any dtype. `H` and `W` can
            be unknown while tracing, and any size from 1 upwards.
        size: Pair `(height, width)` of ints, or of scalar integer tensors.
        interpolation: `"bilinear"` or `"nearest"`.
        align_corners: Whether corner pixels keep their values (bilinear
            only).
        data_format: `"channels_last"`, `"channels_first"` or `None` for
            `keras.config.image_data_format()`.

    Returns:
        A tensor of the same dtype and layout with the new height and width.

    Raises:
        ArgumentError: If an argument is not one of the above.
        TypeError: If bilinear `images` hold integers.

    Example:

    ```python
    logits = np.zeros((1, 16, 24, 6), "float32")
    keras_rsseg.ops.resize(logits, (64, 96)).shape  # (1, 64, 96, 6)
    ```

    Reference:
        `torch.nn.functional.interpolate(mode="bilinear" | "nearest")`.
    """
    images = ops.convert_to_tensor(images)
    data_format = standardize_data_format(data_format)
    check_rank("images", images, 4, "(B, H, W, C) or (B, C, H, W)")
    size = standardize_size("size", size)
    check_interpolation(images, interpolation)
    if interpolation == "nearest":
        if align_corners:
            raise ArgumentError(
                "`align_corners=True` needs `interpolation='bilinear'`. "
                "Received: interpolation='nearest'"
            )
        return _resize_nearest(images, size, data_format)
    height, width = size
    return _resize_bilinear(images, height, width, align_corners, data_format)


@constant_if_known
def interpolation_matrix(
    output_length: int | Tensor,
    input_length: int | Tensor,
    align_corners: bool = False,
) -> Tensor:
    """Returns the matrix that resizes one axis bilinearly.

    Args:
        output_length: Int or scalar integer tensor.
        input_length: Int or scalar integer tensor.
        align_corners: As in `resize`.

    Returns:
        float32 tensor `(output_length, input_length)`; each row has at most
        two non-zero weights and sums to 1.

    Example:

    ```python
    from keras_rsseg.ops.resize import interpolation_matrix

    matrix = interpolation_matrix(output_length=4, input_length=2)
    matrix  # [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    ```
    """
    pixels = ops.cast(ops.arange(output_length), "float32")
    positions = source_positions(
        pixels, output_length, input_length, align_corners
    )
    sources = ops.cast(ops.arange(input_length), "float32")
    return bilinear_weights(positions[:, None] - sources)


def bilinear_weights(distances: Tensor) -> Tensor:
    """Weights of pixels at given distances from a position.

    A hat function of half-width 1: its values at the two neighbouring pixels
    are the bilinear weights, and it is 0 elsewhere.
    """
    return ops.relu(1.0 - ops.abs(distances))


def source_positions(
    pixels: Tensor,
    output_length: int | Tensor,
    input_length: int | Tensor,
    align_corners: bool,
) -> Tensor:
    """Positions of a resized axis' pixels on the original, see `resize`."""
    inputs = ops.cast(input_length, "float32")
    outputs = ops.cast(output_length, "float32")
    if align_corners:
        # The only pixel of a one-pixel output is 0, so any divisor works.
        positions = pixels * ((inputs - 1.0) / ops.maximum(outputs - 1.0, 1.0))
    else:
        positions = (pixels + 0.5) * (inputs / outputs) - 0.5
    return ops.clip(positions, 0.0, inputs - 1.0)


@shared_in_training
def _resize_bilinear(images, height, width, align_corners, data_format):
    size = height, width
    if keras.backend.backend() == "torch":
        return _torch_resize(images, size, align_corners, data_format)
    input_size = spatial_size(images, data_format)

    # 0.2 to 0.7 of the time of taps. Not on accelerators, where `fit` compiles
    # with XLA, whose own takes longer than taps.
    forward = _resize_by_taps
    if has_tensorflow_kernel(images, channel_axis(data_format)):
        forward = _tensorflow_resize

    # Two taps per axis forwards, but dense matrices backwards: the gradient
    # of a gather is a slow scatter. Time relative to matrices both ways, on
    # one CPU core, forward and forward+backward: JAX 0.1 to 0.8 and 0.5 to
    # 1.1, TensorFlow's graphs 0.5 to 2.7 and 0.9 to 1.9.
    @ops.custom_gradient
    def interpolate(x):
        def gradient(*args, upstream=None):
            upstream = args[0] if upstream is None else upstream
            return _transposed_resize(
                upstream, size, input_size, align_corners, data_format
            )

        resized = forward(x, size, input_size, align_corners, data_format)
        return resized, gradient

    resized = interpolate(ops.cast(images, "float32"))
    return ops.cast(resized, images.dtype)


def _tensorflow_resize(x, size, input_size, align_corners, data_format):
    import tensorflow as tf

    return tf.raw_ops.ResizeBilinear(
        images=x,
        size=size,
        align_corners=align_corners,
        half_pixel_centers=not align_corners,
    )


def _resize_by_taps(x, size, input_size, align_corners, data_format):
    height_axis = 1 if data_format == CHANNELS_LAST else 2
    for i in (1, 0):
        axis = height_axis + i
        lower, upper, *weights = _taps(
            size[i], input_size[i], align_corners, 3 - axis
        )
        lower, upper = take(x, lower, axis=axis), take(x, upper, axis=axis)
        x = lower * weights[0] + upper * weights[1]
    return x


@constant_if_known
def _taps(output_length, input_length, align_corners, trailing_axes):
    """The two pixels around each position, and their weights."""
    pixels = ops.cast(ops.arange(output_length), "float32")
    positions = source_positions(
        pixels, output_length, input_length, align_corners
    )
    lower = ops.floor(positions)
    fractions = ops.reshape(positions - lower, [-1] + [1] * trailing_axes)
    lower = ops.cast(lower, "int32")
    upper = ops.minimum(lower + 1, input_length - 1)
    return lower, upper, 1.0 - fractions, fractions


def _transposed_resize(x, size, input_size, align_corners, data_format):
    """Gradient of `_resize_by_taps`, as two products with matrices."""
    rows = interpolation_matrix(size[0], input_size[0], align_corners)
    columns = interpolation_matrix(size[1], input_size[1], align_corners)
    if data_format != CHANNELS_LAST:
        x = ops.matmul(ops.transpose(rows), x)
        return ops.matmul(x, columns)
    batch, height, width, channels = shape_of(x)
    x = ops.reshape(x, (batch, height, width * channels))
    x = ops.matmul(ops.transpose(rows), x)
    x = ops.reshape(x, (batch, input_size[0], width, channels))
    return ops.matmul(ops.transpose(columns), x)


def _torch_resize(images, size, align_corners, data_format):
    # 0.1 to 0.6 of the time of matrix products.
    import torch

    last = data_format == CHANNELS_LAST
    resized = torch.nn.functional.interpolate(
        images.permute(0, 3, 1, 2) if last else images,
        size=size,
        mode="bilinear",
        align_corners=align_corners,
    )
    return resized.permute(0, 2, 3, 1) if last else resized


def _resize_nearest(images, size, data_format):
    height_axis = 1 if data_format == CHANNELS_LAST else 2
    for axis, length, input_length in zip(
        (height_axis, height_axis + 1),
        size,
        spatial_size(images, data_format),
        strict=True,
    ):
        indices = _nearest_indices(length, input_length)
        images = take(images, indices, axis=axis)
    return images


@constant_if_known
def _nearest_indices(output_length, input_length):
    # In float32 like torch, whose rounding decides at exact integers.
    pixels = ops.cast(ops.arange(output_length), "float32")
    scale = ops.cast(input_length, "float32") / ops.cast(
        output_length, "float32"
    )
    indices = ops.cast(ops.floor(pixels * scale), "int32")
    return ops.minimum(indices, ops.cast(input_length, "int32") - 1)
