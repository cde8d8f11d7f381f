"""Each pixel gathers a weighted mean of its neighbours (DGMN)."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_rsseg.checks import check_different_positives
from keras_rsseg.layers.conv2d import Conv2D
from keras_rsseg.layers.initial_kernels import torch_default_initializer
from keras_rsseg.ops.data_format import ANY_SHAPE
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.ops.sample_taps import sample_taps
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor

_TAPS = 9


@keras.saving.register_keras_serializable(package="keras_rsseg")
class MessagePassing(keras.layers.Layer):
    """Gathers means of neighbours, by weights that each pixel computes.

    For each dilation, a 3x3 convolution computes nine weights for every pixel
    (a softmax), one for each tap of a dilated 3x3 neighbourhood and the same
    for all channels. The neighbours' mean by these weights is the pixel's
    message; the map is zero outside. The map and the messages of all
    dilations are concatenated.

    In deformable neighbourhoods, the convolution also computes an offset for
    each tap, and is itself dilated. Coordinates are float32 even under mixed
    precision. It takes the memory of nine maps for each dilation.

    Args:
        dilation_rates: dilations of the neighbourhoods. Defaults to
            `(1, 6, 12, 24, 36)`.
        deformable: bool. Whether taps have offsets. Defaults to `True`;
            `False` has one convolution, not dilated, for all dilations.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width can be unknown.

    Returns:
        Tensor `(batch, height, width, channels * (1 + dilations))`: `inputs`
        first.

    Raises:
        ArgumentError: `dilation_rates` is empty or holds anything but
            different positive integers.

    Example:

    ```python
    layer = keras_rsseg.layers.MessagePassing(dilation_rates=(1, 6))
    layer(np.ones((1, 25, 17, 8), "float32")).shape  # (1, 25, 17, 24)
    ```

    Reference:
        - [Zhang et al., Dynamic Graph Message Passing Networks, 2019](
          https://arxiv.org/abs/1908.06955)
    """

    def __init__(
        self,
        dilation_rates: Sequence[int] = (1, 6, 12, 24, 36),
        deformable: bool = True,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.dilation_rates = check_different_positives(
            "dilation_rates", dilation_rates
        )
        self.deformable = deformable
        self.data_format = standardize_data_format(data_format)
        if deformable:
            # Weights, then (y, x) of each tap.
            self.convs = [
                self._conv(3 * _TAPS, rate, f"filters_rate{rate}")
                for rate in self.dilation_rates
            ]
        else:
            total = _TAPS * len(self.dilation_rates)
            self.convs = [self._conv(total, 1, "filters")]

    def _conv(self, filters, dilation_rate, name):
        return Conv2D(
            filters,
            3,
            padding="same",
            dilation_rate=dilation_rate,
            use_bias=False,
            kernel_initializer=torch_default_initializer(),
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[channel_axis(self.data_format)]
        for conv in self.convs:
            conv.build(with_channels(ANY_SHAPE, channels, self.data_format))

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        made = [
            to_channels_last(f(inputs), self.data_format) for f in self.convs
        ]
        if not self.deformable:
            made = ops.split(made[0], len(self.dilation_rates), axis=-1)
        maps = [x]
        for filters, rate in zip(made, self.dilation_rates, strict=True):
            if self.deformable:
                taps = sample_taps(x, filters[..., _TAPS:], dilation_rate=rate)
            else:
                taps = _plain_taps(x, rate)
            weights = ops.softmax(filters[..., None, :_TAPS])
            maps.append(ops.matmul(weights, taps)[..., 0, :])
        maps = ops.concatenate(maps, axis=-1)
        return from_channels_last(maps, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        channels = input_shape[channel_axis(self.data_format)]
        channels *= 1 + len(self.dilation_rates)
        return with_channels(input_shape, channels, self.data_format)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "dilation_rates": self.dilation_rates,
                "deformable": self.deformable,
                "data_format": self.data_format,
            }
        )
        return config


def _plain_taps(x, rate):
    """The neighbours of each pixel: `sample_taps` without offsets."""
    padded = ops.pad(x, ((0, 0), (rate, rate), (rate, rate), (0, 0)))
    windows = [slice(k * rate, (k - 2) * rate or None) for k in range(3)]
    taps = [padded[:, rows, columns] for rows in windows for columns in windows]
    return ops.stack(taps, axis=3)
