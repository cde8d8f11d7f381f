"""Products and convolutions whose kernels' gradients suit XLA's CPU."""

import functools
from collections.abc import Callable
from collections.abc import Iterator

import keras
from keras import ops

from keras_rsseg.ops.data_format import is_on_jax_cpu
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor

# Bytes of one tile's maps, before and after a convolution, from which strips
# take less time, and those of a strip.
LARGE_MAPS = 2 << 20
STRIP = 4 << 20
# More would make programs of large batches long.
MOST_STRIPS = 64


def pixel_product(x: Tensor, kernel: Tensor) -> Tensor:
    """Multiplies the channels of each pixel with a kernel.

    It is `ops.matmul`. JAX computes the gradient of its kernel from the
    transposed gradient of the outputs, which XLA's CPU fuses with all that
    leads to it, and writes column by column: for 4 x 96 x 96 pixels of 256
    channels after a batch norm, this took 138 ms. From the transposed inputs,
    as here, it takes 44 ms. `jax.jvp` of it fails there.

    Args:
        x: float tensor `(..., C)`.
        kernel: tensor `(C, F)`, in the dtype of `x`.

    Returns:
        Tensor `(..., F)`.

    Example:

    ```python
    from keras_rsseg.ops.kernel_gradients import pixel_product

    x = keras.ops.ones((2, 3, 4, 8))
    y = pixel_product(x, keras.ops.ones((8, 5)))
    y.shape  # (2, 3, 4, 5)
    ```
    """
    if not is_on_jax_cpu():
        return ops.matmul(x, kernel)
    return _product()(x, kernel)


def takes_strips(x: Tensor, kernel: Tensor, strides: int) -> bool:
    """Whether `strip_conv` takes less time: for large maps, on JAX's CPU."""
    if not is_on_jax_cpu():
        return False
    dtypes = {keras.backend.standardize_dtype(t.dtype) for t in (x, kernel)}
    # Many sums in half precision would not be as exact as one.
    if dtypes != {"float32"} or not all(isinstance(n, int) for n in x.shape):
        return False
    return _bytes_of_a_tile(x.shape, kernel.shape[3], strides) >= LARGE_MAPS


def strip_conv(
    x: Tensor, kernel: Tensor, strides: int = 1, dilation_rate: int = 1
) -> Tensor:
    """Convolves on JAX, and takes the kernel's gradient strip by strip.

    XLA computes it as a convolution whose kernel is as large as the map and
    whose channels are the tiles of the batch. If maps are large, this takes
    three to eight times as long on CPUs as the convolution itself, and a half
    to a quarter of that if summed over strips of a tile. `jax.jvp` of it
    fails.

    Args:
        x: float32 tensor `(B, H, W, C)`, padded.
        kernel: float32 tensor `(k, k, C, F)`.
        strides: int.
        dilation_rate: int.

    Returns:
        Tensor `(B, H', W', F)` of the windows that lie within the maps.
    """
    return _conv(strides, dilation_rate)(x, kernel)


@functools.cache
def _product() -> Callable[[Tensor, Tensor], Tensor]:
    import jax

    def forward(x, kernel):
        return ops.matmul(x, kernel), (x, kernel)

    def backward(inputs, gradient):
        x, kernel = inputs
        pixels = tuple(range(x.ndim - 1))
        of_kernel = jax.lax.dot_general(
            x, gradient, ((pixels, pixels), ((), ()))
        )
        return ops.matmul(gradient, kernel.T), of_kernel

    product = jax.custom_vjp(ops.matmul)
    product.defvjp(forward, backward)
    return product


@functools.cache
def _conv(
    strides: int, dilation_rate: int
) -> Callable[[Tensor, Tensor], Tensor]:
    import jax

    def conv(x, kernel):
        return jax.lax.conv_general_dilated(
            x,
            kernel,
            (strides, strides),
            "VALID",
            rhs_dilation=(dilation_rate, dilation_rate),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )

    def forward(x, kernel):
        return conv(x, kernel), (x, kernel)

    def backward(inputs, gradient):
        x, kernel = inputs
        _, of_maps = jax.vjp(lambda x: conv(x, kernel), x)
        total = ops.zeros_like(kernel)
        reach = dilation_rate * (kernel.shape[0] - 1)
        for tile, top, bottom in _strips(x.shape, gradient.shape, strides):
            rows = slice(top * strides, (bottom - 1) * strides + reach + 1)
            strip = x[tile : tile + 1, rows]
            _, of_kernel = jax.vjp(functools.partial(conv, strip), kernel)
            total = total + of_kernel(gradient[tile : tile + 1, top:bottom])[0]
        return of_maps(gradient)[0], total

    with_strips = jax.custom_vjp(conv)
    with_strips.defvjp(forward, backward)
    return with_strips


def _strips(
    shape: Shape, gradient_shape: Shape, strides: int
) -> Iterator[tuple[int, int, int]]:
    """Yield `(tile, top, bottom)`, the latter in rows of the gradient."""
    batch_size, height = gradient_shape[:2]
    size = _bytes_of_a_tile(shape, gradient_shape[3], strides)
    count = min(-(-size // STRIP), max(1, MOST_STRIPS // batch_size), height)
    edges = [height * i // count for i in range(count + 1)]
    for tile in range(batch_size):
        for top, bottom in zip(edges[:-1], edges[1:], strict=True):
            yield tile, top, bottom


def _bytes_of_a_tile(shape, filters, strides):
    _, height, width, channels = shape
    outputs = (height // strides) * (width // strides) * filters
    return 4 * (height * width * channels + outputs)
