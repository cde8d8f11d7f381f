"""Convolution, batch normalization and activation as in PyTorch."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.fine_and_coarse import check_kernel_size
from keras_rsseg.layers.fold_batch_norm import FoldedWeights
from keras_rsseg.layers.fold_batch_norm import assign_folded
from keras_rsseg.layers.fold_batch_norm import folded_weights
from keras_rsseg.layers.fold_batch_norm import is_folded_here
from keras_rsseg.layers.initial_kernels import kaiming_normal
from keras_rsseg.ops.batch_norm import batch_norm
from keras_rsseg.ops.batch_norm import fixed_norm
from keras_rsseg.ops.data_format import ANY_SHAPE
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import first_spatial_axis
from keras_rsseg.ops.data_format import for_maps
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.ops.padded_conv import padded_conv
from keras_rsseg.ops.upsampled_conv import upsampled_conv
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
def leaky_relu(x: Tensor) -> Tensor:
    """Leaky ReLU with PyTorch's slope below zero, 0.01 (Keras' is 0.2).

    Args:
        x: float tensor of any shape.

    Example:

    ```python
    from keras_rsseg.layers.conv_bn_relu import leaky_relu

    leaky_relu(np.array([-2.0, 3.0], "float32"))  # [-0.02, 3.0]
    ```

    Reference:
        `torch.nn.functional.leaky_relu`.
    """
    return ops.leaky_relu(x, negative_slope=0.01)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalization as in PyTorch, with native kernels.

    It differs from `keras.layers.BatchNormalization` in its defaults, in its
    moving variance, which uses unbiased estimates as in the released
    networks, and in speed (see `keras_rsseg.ops.batch_norm`). Weights are
    the same.

    Args:
        axis: int. The channel axis. Defaults to `-1`.
        momentum: float. Momentum of the moving statistics. Defaults to
            `0.9`, which PyTorch calls 0.1.
        epsilon: float. Added to the variance. Defaults to `1e-5`.
        **kwargs: other keyword arguments of
            `keras.layers.BatchNormalization`, except `renorm` and
            `synchronized`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`.
        training: bool. Whether to use and collect the batch statistics.

    Returns:
        Tensor like `inputs`.

    Example:

    ```python
    layer = keras_rsseg.layers.BatchNorm()
    layer(np.ones((2, 8, 8, 3), "float32"), training=True)  # zeros
    ```
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        **kwargs: Any,
    ):
        super().__init__(
            axis=axis, momentum=momentum, epsilon=epsilon, **kwargs
        )

    def call(
        self,
        inputs: Tensor,
        training: bool | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        weights = self.gamma, self.beta
        moving = self.moving_mean, self.moving_variance
        if not (training and self.trainable):
            return fixed_norm(inputs, *weights, moving, self.epsilon, self.axis)
        outputs, mean, variance = batch_norm(
            inputs, *weights, self.epsilon, self.axis, moving, self.momentum
        )
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return outputs


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ConvBNReLU(keras.layers.Layer):
    """Convolution, batch normalization and activation, padded as in PyTorch.

    The released networks pad every convolution symmetrically by
    `dilation_rate * (kernel_size - 1) // 2`. For a stride above 1, Keras'
    `"same"` pads an even-sized map only on the far side, which shifts it by
    a pixel, so the padding is explicit here.

    Args:
        filters: int. Channels of the output.
        kernel_size: odd int. Size of the square kernel.
        strides: int. Stride of the convolution. Defaults to `1`.
        dilation_rate: int. Dilation of the kernel. If `strides` is above 1,
            it must be 1 or a multiple of `strides`, see `call()`. Defaults
            to `1`.
        use_bias: bool. Whether the convolution has a bias. Defaults to
            `False`.
        activation: activation after the normalization, such as `leaky_relu`
            of this module, or `None`. Defaults to `"relu"`.
        keep_every: int. Keep every n-th row and column of the result,
            starting with the first. Unlike with a stride, all pixels count
            in the batch statistics in training. Above 1 for kernels of
            size 1 only. Defaults to `1`.
        batch_norm_epsilon: float. Added to the variance. Defaults to `1e-5`.
        batch_norm_momentum: float. Momentum of the moving statistics.
            Defaults to `0.9`, PyTorch's 0.1.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`.

    Returns:
        Tensor `(batch, ceil(height / strides), ceil(width / strides),
        filters)`, or with `keep_every` in the place of `strides`.

    Example:

    ```python
    layer = keras_rsseg.layers.ConvBNReLU(64, 3, strides=2)
    layer(np.zeros((1, 75, 96, 3), "float32")).shape  # (1, 38, 48, 64)
    ```
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        dilation_rate: int = 1,
        use_bias: bool = False,
        activation: str | Callable[[Tensor], Tensor] | None = "relu",
        keep_every: int = 1,
        batch_norm_epsilon: float = 1e-5,
        batch_norm_momentum: float = 0.9,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        _check_kernel(kernel_size, strides, dilation_rate, keep_every)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.dilation_rate = dilation_rate
        self.use_bias = use_bias
        self.activation = keras.activations.get(activation)
        self.keep_every = keep_every
        self.batch_norm_epsilon = batch_norm_epsilon
        self.batch_norm_momentum = batch_norm_momentum
        self.data_format = standardize_data_format(data_format)
        self._folded = False

        self._subsamples = strides > 1 and dilation_rate > 1
        conv_strides = 1 if self._subsamples else strides
        conv_dilation = (
            dilation_rate // strides if self._subsamples else dilation_rate
        )
        self.conv = keras.layers.Conv2D(
            filters,
            kernel_size,
            strides=conv_strides,
            padding="valid" if conv_strides > 1 else "same",
            dilation_rate=conv_dilation,
            use_bias=use_bias,
            # As in the released trunks.
            kernel_initializer=kaiming_normal(),
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name="conv",
        )
        self.batch_norm = BatchNorm(
            axis=channel_axis(self.data_format),
            epsilon=batch_norm_epsilon,
            momentum=batch_norm_momentum,
            dtype=self.dtype_policy,
            name="batch_norm",
        )

    def build(self, input_shape: Shape) -> None:
        # Built without the size: the convolution would refuse maps smaller
        # than its kernel, but they arrive padded.
        channels = input_shape[channel_axis(self.data_format)]
        self.conv.build(with_channels(ANY_SHAPE, channels, self.data_format))
        self.batch_norm.build(
            with_channels(ANY_SHAPE, self.filters, self.data_format)
        )

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = inputs
        if self._subsamples:
            # Every tap of a kernel whose dilation is a multiple of the
            # stride lands on the stride's grid, so sampling first is exact.
            # It is also the only way: TensorFlow refuses both at once.
            x = self._subsample(x, self.strides)
        # In training all pixels count in the batch statistics.
        needs_all = training and self.batch_norm.trainable and not self.folded
        if not needs_all:
            x = self._subsample(x, self.keep_every)
        if self.folded:
            return self._activate(self._convolve(x, self._folded_bias()))
        x = self._normalize(self._convolve(x), training)
        if needs_all:
            x = self._subsample(x, self.keep_every)
        return self._activate(x)

    def _convolve(self, x, bias=None):
        (strides, _), (dilation_rate, _) = (
            self.conv.strides,
            self.conv.dilation_rate,
        )
        return padded_conv(
            x,
            self.conv.kernel,
            bias,
            strides=strides,
            padding=dilation_rate * (self.kernel_size - 1) // 2,
            dilation_rate=dilation_rate,
            data_format=self.data_format,
        )

    def call_upsampled(
        self,
        maps: Sequence[Tensor],
        align_corners: bool = False,
        training: bool | None = None,
    ) -> Tensor:
        """Applies the layer to concatenated maps of several sizes.

        Equals `call()` on the concatenation of all maps, resized to the size
        of the first, but takes less time, see `keras_rsseg.ops.
        upsampled_conv`.

        Args:
            maps: list of float tensors `(batch, h, w, channels)` that together
                have the channels the layer was built for.
            align_corners: bool. How maps are resized.
            training: bool. Whether to use and collect the batch statistics.

        Returns:
            Tensor like that of `call()`.
        """
        x = upsampled_conv(
            maps,
            self.conv.kernel,
            align_corners=align_corners,
            bias=self._folded_bias(),
            data_format=self.data_format,
        )
        if not self.folded:
            x = self._normalize(x, training)
        return self._activate(x)

    def _folded_bias(self):
        if not self.folded:
            return None
        # The normalization's weights are float32 whatever the policy.
        return ops.cast(self.batch_norm.beta, self.compute_dtype)

    def _normalize(self, x, training):
        if self.use_bias:
            x = x + for_maps(self.conv.bias, self.data_format)
        return self.batch_norm(x, training=training)

    def _activate(self, x):
        return x if self.activation is None else self.activation(x)

    def fold(self) -> None:
        """Folds the normalization into the kernel, for inference.

        The layer keeps its weights, with values that make the normalization
        the identity except for its `beta`, and skips it. Saved and loaded
        into a layer that is not folded, they give the same outputs.

        Afterwards the layer computes the same in training as in inference.
        """
        assign_folded(self.folded_weights())
        self._folded = True

    def folded_weights(self) -> FoldedWeights:
        """Values of weights with which the normalization can be skipped."""
        bias = self.conv.bias if self.use_bias else None
        return folded_weights(self.batch_norm, self.conv.kernel, bias)

    @property
    def folded(self) -> bool:
        """Whether the normalization is part of the kernel."""
        return self._folded or is_folded_here(self)

    def _subsample(self, x, every):
        if every == 1:
            return x
        step = slice(None, None, every)
        if self.data_format == "channels_first":
            return x[:, :, step, step]
        return x[:, step, step, :]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = list(input_shape)
        first = first_spatial_axis(self.data_format)
        for axis in (first, first + 1):
            if shape[axis] is not None:
                shape[axis] = -(-shape[axis] // self.strides)
                shape[axis] = -(-shape[axis] // self.keep_every)
        return with_channels(tuple(shape), self.filters, self.data_format)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "filters": self.filters,
                "kernel_size": self.kernel_size,
                "strides": self.strides,
                "dilation_rate": self.dilation_rate,
                "use_bias": self.use_bias,
                "activation": keras.activations.serialize(self.activation),
                "keep_every": self.keep_every,
                "batch_norm_epsilon": self.batch_norm_epsilon,
                "batch_norm_momentum": self.batch_norm_momentum,
                "data_format": self.data_format,
            }
        )
        return config


def _check_kernel(kernel_size, strides, dilation_rate, keep_every):
    # An even kernel has no symmetric padding.
    check_kernel_size("kernel_size", kernel_size)
    if strides > 1 and dilation_rate > 1 and dilation_rate % strides:
        raise ArgumentError(
            "`dilation_rate` must be 1 or a multiple of `strides`. "
            f"Received: dilation_rate={dilation_rate}, strides={strides}"
        )
    if keep_every > 1 and (kernel_size, strides) != (1, 1):
        raise ArgumentError(
            "`keep_every` above 1 needs `kernel_size=1` and `strides=1`. "
            f"Received: keep_every={keep_every}, kernel_size={kernel_size}, "
            f"strides={strides}"
        )
