"""Normalisation by the statistics of a batch, or known ones."""

import keras
from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.data_format import has_tensorflow_kernel
from keras_rsseg.ops.data_format import is_on_cpu
from keras_rsseg.ops.lean_graphs import shape_of
from keras_rsseg.typing import Tensor


def batch_norm(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    epsilon: float,
    axis: int = -1,
    moving: tuple[Tensor, Tensor] | None = None,
    momentum: float = 0.9,
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise a batch of maps by its own statistics.

    `gamma * (x - mean) / sqrt(variance + epsilon) + beta`, for each channel
    separately. Keras 3.15 composes this from single operations, which took
    60 % of a training step of HRNet-W18 on torch (CPU). So TensorFlow and
    torch use their fused kernels here; on JAX the compiler fuses.

    Args:
        x: float tensor `(B, H, W, C)`, or `(B, C, H, W)` with `axis=1`.
            Half-precision maps are normalised in float32.
        gamma: float32 tensor `(C,)`.
        beta: float32 tensor `(C,)`.
        epsilon: float, added to the variance.
        axis: `-1` or `1`. The channel axis.
        moving: float32 tensors `(C,)`, the previous moving mean and variance.
        momentum: float. Their weight, 1 minus that of the batch.

    Returns:
        The normalised map in the dtype of `x`, and two float32 tensors `(C,)`
        without gradient: mean and unbiased variance (divided by n - 1, as
        torch keeps it for inference). With `moving`, these are the updated
        moving averages.

    Raises:
        ArgumentError: `axis` is neither -1 nor 1.

    Example:

    ```python
    from keras_rsseg.ops.batch_norm import batch_norm

    x = np.array([1, 3, 5, 7], "float32").reshape(4, 1, 1, 1)
    one, zero = np.ones(1, "float32"), np.zeros(1, "float32")
    y, mean, variance = batch_norm(x, one, zero, epsilon=1e-5)
    mean  # [4.0]
    variance  # [6.6667]
    ```

    Reference:
        Ioffe and Szegedy, 2015 (https://arxiv.org/abs/1502.03167),
        `torch.nn.BatchNorm2d`.
    """
    if axis not in (-1, 1):
        raise ArgumentError(f"`axis` must be -1 or 1. Received: axis={axis}")
    x = ops.convert_to_tensor(x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    inputs = ops.cast(x, "float32")
    gamma = ops.convert_to_tensor(gamma, "float32")
    beta = ops.convert_to_tensor(beta, "float32")
    backend = keras.backend.backend()
    if backend == "tensorflow" and axis == -1 and is_on_cpu(inputs):
        y, *found = _tensorflow(
            inputs, gamma, beta, epsilon, moving or (), momentum
        )
        return ops.cast(y, dtype), *found
    if backend == "torch":
        y, mean, variance = _torch(inputs, gamma, beta, epsilon, axis)
    elif backend == "tensorflow" and axis == -1:
        y, mean, _ = _tensorflow(inputs, gamma, beta, epsilon)
        # The kernel's own variance is unbiased on the CPU only.
        variance = ops.mean(
            ops.square(ops.stop_gradient(inputs) - mean), [0, 1, 2]
        )
    else:
        y, mean, variance = _plain(inputs, gamma, beta, epsilon, axis)
    found = [mean, variance * _bessel(x, axis)]
    if moving is not None:
        found = [
            before + (batch - before) * (1.0 - momentum)
            for before, batch in zip(moving, found, strict=True)
        ]
    mean, variance = (ops.stop_gradient(x) for x in found)
    return ops.cast(y, dtype), mean, variance


def fixed_norm(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    moving: tuple[Tensor, Tensor],
    epsilon: float,
    axis: int = -1,
) -> Tensor:
    """Normalise maps by moving averages, as in inference.

    In TensorFlow's graphs on CPUs it is one operation, which these join with
    the convolution before it, instead of eight: the default model gave its
    first answer in 0.75 of the time.

    Args:
        x, gamma, beta, epsilon, axis: as in `batch_norm`.
        moving: float32 tensors `(C,)`, mean and variance.

    Returns:
        Tensor like `x`.

    Example:

    ```python
    from keras_rsseg.ops.batch_norm import fixed_norm

    x = np.array([1, 3, 5, 7], "float32").reshape(4, 1, 1, 1)
    one, four = np.ones(1, "float32"), np.full(1, 4, "float32")
    fixed_norm(x, one, 0 * one, (four, four), epsilon=0.0)[3, 0, 0]  # [1.5]
    ```
    """
    x = ops.convert_to_tensor(x)
    dtype = keras.backend.result_type(x.dtype, "float32")
    inputs, gamma, beta, mean, variance = (
        ops.cast(tensor, dtype) for tensor in (x, gamma, beta, *moving)
    )
    if dtype == "float32" and has_tensorflow_kernel(inputs, axis):
        import tensorflow as tf

        y, _, _ = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            gamma,
            beta,
            mean,
            variance,
            epsilon=epsilon,
            is_training=False,
        )
    else:
        y = ops.batch_normalization(
            inputs, mean, variance, axis, beta, gamma, epsilon
        )
    return ops.cast(y, x.dtype)


def _bessel(x, axis):
    """The factor n / (n - 1), 1 for a single value."""
    shape = shape_of(x)
    sizes = shape[:3] if axis == -1 else (shape[0], *shape[2:])
    count = 1.0
    for size in sizes:
        count = count * ops.cast(size, "float32")
    return count / ops.maximum(count - 1.0, 1.0)


def _torch(x, gamma, beta, epsilon, axis):
    import torch

    if axis == -1:
        x = x.permute(0, 3, 1, 2)
    y, mean, inverse = torch.native_batch_norm(
        x, gamma, beta, None, None, True, 0.0, epsilon
    )
    if axis == -1:
        y = y.permute(0, 2, 3, 1)
    return y, mean, inverse**-2 - epsilon


def _tensorflow(x, gamma, beta, epsilon, moving=(), momentum=0.0):
    import tensorflow as tf

    # The kernel only differentiates its first output.
    return tf.compat.v1.nn.fused_batch_norm(
        x,
        gamma,
        beta,
        *moving,
        epsilon=epsilon,
        is_training=True,
        exponential_avg_factor=1.0 - momentum if moving else 1.0,
    )


def _plain(x, gamma, beta, epsilon, axis):
    axes = [0, 1, 2] if axis == -1 else [0, 2, 3]
    mean, variance = ops.moments(x, axes)
    y = ops.batch_normalization(
        x, mean, variance, axis, offset=beta, scale=gamma, epsilon=epsilon
    )
    return y, mean, variance
