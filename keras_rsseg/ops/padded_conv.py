"""Convolutions with padding on both sides and bias, by native kernels."""

from collections.abc import Iterable

import keras
from keras import ops

from keras_rsseg.ops.data_format import CHANNELS_FIRST
from keras_rsseg.ops.data_format import check_rank
from keras_rsseg.ops.data_format import first_spatial_axis
from keras_rsseg.ops.data_format import for_maps
from keras_rsseg.ops.data_format import is_on_cpu
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.kernel_gradients import pixel_product
from keras_rsseg.ops.kernel_gradients import strip_conv
from keras_rsseg.ops.kernel_gradients import takes_strips
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Tensor


def padded_conv(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    strides: int = 1,
    padding: int = 0,
    dilation_rate: int = 1,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Convolves, padded equally on both sides, and adds a bias.

    Keras' `ops.conv` has no bias, and pads a strided convolution on the far
    side only, so that padding, kernel, bias and activation each make a pass
    through memory. With a bias, torch and TensorFlow compute the first three
    in one kernel here, and TensorFlow's graphs fuse a ReLU that follows. On
    JAX, kernels of size 1 become matrix products, which its compiler does not
    do on CPUs: a step of PFNet took 0.95 of the time.

    On torch's CPU, Keras copies channels-last maps before a convolution and
    after it, and one filter has no gradient there for one small tile. Neither
    is so here.

    Args:
        x: float tensor `(B, H, W, C)`; channels second for
            `"channels_first"`.
        kernel: tensor `(k, k, C, F)`, in the dtype of `x`.
        bias: tensor `(F,)`, likewise, or `None`.
        strides: int.
        padding: int. Rows and columns of zeros on every side.
        dilation_rate: int.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.

    Returns:
        Tensor `(B, H', W', F)` with `H' = (H + 2 * padding - dilation_rate *
        (k - 1) - 1) // strides + 1`.

    Raises:
        ArgumentError: `x` or `kernel` is not of rank 4.

    Example:

    ```python
    x = np.ones((1, 5, 4, 2), "float32")
    kernel = np.ones((3, 3, 2, 8), "float32")
    bias = np.zeros(8, "float32")
    y = keras_rsseg.ops.padded_conv(x, kernel, bias, strides=2, padding=1)
    y.shape  # (1, 3, 2, 8)
    ```
    """
    data_format = standardize_data_format(data_format)
    x, kernel = ops.convert_to_tensor(x), ops.convert_to_tensor(kernel)
    check_rank("x", x, 4, "(B, H, W, C) or (B, C, H, W)")
    check_rank("kernel", kernel, 4, "(k, k, C, F)")
    arguments = x, kernel, strides, padding, dilation_rate, data_format
    if keras.backend.backend() == "torch":
        return _torch(bias, *arguments)
    if bias is None:
        return _conv(*arguments)
    return _add_bias(_conv(*arguments), bias, data_format)


def depthwise_conv(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    dilation_rate: int = 1,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Convolves each channel separately, keeps the size, and adds a bias.

    The kernel has the axes of `padded_conv`'s with one input channel, as in
    a convolution with as many groups as channels. On JAX this is a sum of
    shifted maps, which its compiler fuses into one loop: on CPUs it takes a
    fifteenth of the time of XLA's own grouped convolution.

    Args:
        x: float tensor `(B, H, W, C)`; channels second for
            `"channels_first"`.
        kernel: tensor `(k, k, 1, C)`, `k` odd, in the dtype of `x`.
        bias: tensor `(C,)`, likewise, or `None`.
        dilation_rate: int.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.

    Returns:
        Tensor like `x`.

    Raises:
        ArgumentError: `x` or `kernel` is not of rank 4.

    Example:

    ```python
    x = np.ones((1, 5, 4, 2), "float32")
    kernel = np.ones((3, 3, 1, 2), "float32")
    y = keras_rsseg.ops.depthwise_conv(x, kernel)
    y[0, 0, :, 1]  # [4.0, 6.0, 6.0, 4.0]
    ```
    """
    data_format = standardize_data_format(data_format)
    x, kernel = ops.convert_to_tensor(x), ops.convert_to_tensor(kernel)
    check_rank("x", x, 4, "(B, H, W, C) or (B, C, H, W)")
    check_rank("kernel", kernel, 4, "(k, k, 1, C)")
    size, _, _, channels = kernel.shape
    if keras.backend.backend() == "torch":
        padding = dilation_rate * (size - 1) // 2
        arguments = x, kernel, 1, padding, dilation_rate, data_format
        return _torch(bias, *arguments, groups=channels)
    if keras.backend.backend() == "jax":
        y = _sum_of_taps(x, kernel, dilation_rate, data_format)
    else:
        y = ops.depthwise_conv(
            x,
            ops.reshape(kernel, (size, size, channels, 1)),
            padding="same",
            data_format=data_format,
            dilation_rate=dilation_rate,
        )
    return y if bias is None else _add_bias(y, bias, data_format)


def _sum_of_taps(x, kernel, dilation_rate, data_format):
    size = kernel.shape[0]
    reach = dilation_rate * (size // 2)
    first = first_spatial_axis(data_format)
    height, width = x.shape[first : first + 2]
    margins = [(0, 0)] * 4
    margins[first] = margins[first + 1] = (reach, reach)
    padded = ops.pad(x, margins)
    y = ops.zeros_like(x)
    for i in range(size):
        for j in range(size):
            top, left = i * dilation_rate, j * dilation_rate
            window = [slice(None)] * 4
            window[first] = slice(top, top + height)
            window[first + 1] = slice(left, left + width)
            tap = for_maps(kernel[i, j, 0], data_format)
            y = y + padded[tuple(window)] * tap
    return y


def _torch(
    bias, x, kernel, strides, padding, dilation_rate, data_format, groups=1
):
    from torch.nn.functional import conv2d

    first = data_format == CHANNELS_FIRST
    kernel = kernel.permute(3, 2, 0, 1)
    if kernel.shape[0] == 1:
        # Otherwise torch 2.13 can take it for channels-last, and then finds
        # that its gradient is not ("slow_conv2d: grad_weight must be
        # contiguous").
        kernel = kernel.contiguous()
    y = conv2d(
        x if first else x.permute(0, 3, 1, 2),
        kernel,
        None if bias is None else ops.convert_to_tensor(bias),
        strides,
        padding,
        dilation_rate,
        groups,
    )
    return y if first else y.permute(0, 2, 3, 1)


def _conv(x, kernel, strides, padding, dilation_rate, data_format):
    # TensorFlow's fused kernels have no explicit padding.
    same = strides == 1 and dilation_rate * (kernel.shape[0] - 1) == 2 * padding
    last = data_format != CHANNELS_FIRST
    is_product = last and kernel.shape[:2] == (1, 1)
    in_strips = last and not is_product and takes_strips(x, kernel, strides)
    if padding and (in_strips or not same):
        first = first_spatial_axis(data_format)
        width = [(0, 0)] * 4
        width[first] = width[first + 1] = (padding, padding)
        x = ops.pad(x, width)
    if in_strips:
        return strip_conv(x, kernel, strides, dilation_rate)
    if is_product and keras.backend.backend() == "jax":
        step = slice(None, None, strides)
        return pixel_product(x[:, step, step], kernel[0, 0])
    return ops.conv(
        x,
        kernel,
        strides,
        "same" if same else "valid",
        data_format=data_format,
        dilation_rate=dilation_rate,
    )


def _add_bias(x, bias, data_format):
    backend = keras.backend.backend()
    if backend == "tensorflow" and data_format != CHANNELS_FIRST:
        import tensorflow as tf

        # Graphs fuse this with the convolution, but not a plain addition.
        return tf.nn.bias_add(x, bias)
    return x + for_maps(bias, data_format)


def store_for_conv(kernel: keras.Variable) -> None:
    """Keeps a kernel in memory in the order in which convolutions read it.

    torch's convolutions need `(F, C, k, k)` and copy a Keras kernel into that
    order at every call. Shape and values do not change.

    Args:
        kernel: variable `(k, k, C, F)`; its gradient must not be needed.
    """
    if keras.backend.backend() == "torch":
        data = kernel.value.data.permute(3, 2, 0, 1)
        if not data.is_contiguous():
            kernel.value.data = data.contiguous().permute(2, 3, 1, 0)


def store_for_training(variables: Iterable[keras.Variable]) -> None:
    """Keeps kernels, and what an optimiser keeps for each, in that order.

    On torch's CPU a step of PFNet-R50 took 0.9 of the time: neither kernels
    nor their gradients are copied.

    Args:
        variables: variables of a model and its optimiser; those that are no
            kernels stay as they are. Between two steps.
    """
    if keras.backend.backend() != "torch":
        return
    for variable in variables:
        if len(variable.shape) == 4 and is_on_cpu(variable.value):
            store_for_conv(variable)
