"""A map rebuilt from a few bases fitted to it (EMANet)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_rsseg.checks import check_positive
from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.ops.padded_conv import padded_conv
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ExpectationMaximization(keras.layers.Layer):
    """Rebuilds a map from a few bases fitted to it.

    A 1x1 convolution comes first. Then, starting from bases that the layer
    keeps, each iteration assigns every pixel to the bases (a softmax over the
    unscaled products of pixel and bases), and makes each base the mean of
    its pixels, scaled to length 1. The result is each pixel's mean of the
    last bases, weighted by the last assignment.

    Neither the convolution nor the kept bases are learned: the iterations
    have no gradient, as in the released code. In training, the kept bases
    move towards those fitted to the batch, averaged over its images, like the
    statistics of a batch normalization.

    Args:
        num_bases: int. Defaults to `64`.
        iterations: int. Defaults to `3`.
        epsilon: float, added to divisors. Defaults to `1e-6`, as in PFNet's
            released code; mmsegmentation has 1e-12.
        momentum: float in [0, 1]. Share of the old bases that a training
            step keeps; with 1 they never change. Defaults to `0.9`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width can be unknown.
        training: bool. Whether to update the kept bases.

    Returns:
        Tensor like `inputs`. Bases and assignment are float32 even under
        mixed precision.

    Raises:
        ArgumentError: when `num_bases` or `iterations` is not a positive
            integer, or `momentum` is not between 0 and 1.

    Example:

    ```python
    layer = keras_rsseg.layers.ExpectationMaximization(num_bases=8)
    layer(np.ones((2, 25, 17, 64), "float32")).shape  # (2, 25, 17, 64)
    layer.bases.shape  # (1, 64, 8)
    ```

    Reference:
        - [Li et al., Expectation-Maximization Attention Networks for Semantic
          Segmentation, 2019](https://arxiv.org/abs/1907.13426)
    """

    def __init__(
        self,
        num_bases: int = 64,
        iterations: int = 3,
        epsilon: float = 1e-6,
        momentum: float = 0.9,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not 0 <= momentum <= 1:
            raise ArgumentError(
                "`momentum` must be from 0 to 1. Received: "
                f"momentum={momentum!r}"
            )
        self.num_bases = check_positive("num_bases", num_bases)
        self.iterations = check_positive("iterations", iterations)
        self.epsilon = epsilon
        self.momentum = momentum
        self.data_format = standardize_data_format(data_format)

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[channel_axis(self.data_format)]
        self.kernel = self.add_weight(
            shape=(1, 1, channels, channels),
            # Kaiming-normal over the outputs, as in other convolutions.
            initializer=keras.initializers.VarianceScaling(
                2.0, "fan_out", "untruncated_normal"
            ),
            trainable=False,
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(channels,), initializer="zeros", trainable=False, name="bias"
        )
        self.bases = self.add_weight(
            shape=(1, channels, self.num_bases),
            initializer=_unit_columns,
            trainable=False,
            autocast=False,
            # Over replicas, like a batch normalization's statistics.
            aggregation="mean",
            name="bases",
        )

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = padded_conv(
            ops.stop_gradient(inputs),
            self.kernel,
            self.bias,
            data_format=self.data_format,
        )
        x = to_channels_last(x, self.data_format)
        batch, _, _, channels = shape = ops.shape(x)
        pixels = ops.cast(ops.reshape(x, (batch, -1, channels)), "float32")
        bases = ops.convert_to_tensor(self.bases)
        bases = ops.broadcast_to(bases, (batch, channels, self.num_bases))
        for _ in range(self.iterations):
            assigned = ops.matmul(pixels, bases)
            assigned = (
                ops.ones_like(assigned)
                if self.num_bases == 1  # Keras warns of a softmax over one
                else ops.softmax(assigned, axis=-1)
            )
            total = ops.sum(assigned, axis=1, keepdims=True)
            bases = ops.einsum(
                "bnc,bnk->bck", pixels, assigned / (self.epsilon + total)
            )
            bases = self._scaled(bases)
        if training and self.trainable and self.momentum < 1:
            self._move(bases)
        rebuilt = ops.einsum("bnk,bck->bnc", assigned, bases)
        rebuilt = ops.cast(ops.reshape(rebuilt, shape), inputs.dtype)
        return from_channels_last(rebuilt, self.data_format)

    def _scaled(self, bases):
        length = ops.sqrt(ops.sum(ops.square(bases), axis=1, keepdims=True))
        return bases / (self.epsilon + length)

    def _move(self, bases):
        fitted = self._scaled(ops.mean(bases, axis=0, keepdims=True))
        self.bases.assign(
            self.bases * self.momentum + fitted * (1.0 - self.momentum)
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "num_bases": self.num_bases,
                "iterations": self.iterations,
                "epsilon": self.epsilon,
                "momentum": self.momentum,
                "data_format": self.data_format,
            }
        )
        return config


def _unit_columns(shape, dtype=None):
    """Random bases `(1, channels, num_bases)` of length 1."""
    bases = keras.random.normal(shape, dtype=dtype or "float32")
    length = ops.sqrt(ops.sum(ops.square(bases), axis=1, keepdims=True))
    return bases / ops.maximum(length, np.finfo("float32").tiny)
