"""DenseASPP's context, for DenseASPP and for the decoders over a pyramid."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_rsseg.checks import check_different_positives
from keras_rsseg.encoders.preactivated_blocks import dense_conv
from keras_rsseg.encoders.preactivated_blocks import join_channels
from keras_rsseg.encoders.preactivated_blocks import norm_relu
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.typing import DataFormat

# PyTorch's 0.0003.
_MOMENTUM = 1 - 3e-4


def dense_atrous_context(
    x: keras.KerasTensor,
    filters: int = 64,
    bottleneck_filters: int = 128,
    dilation_rates: Sequence[int] = (3, 6, 12, 18, 24),
    dropout: float = 0.1,
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> keras.KerasTensor:
    """Apply DenseASPP's dilated convolutions, each to all results before it.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels that each dilation adds.
        bottleneck_filters: int. Channels of the 1x1 convolution before each.
        dilation_rates: dilations of the 3x3 convolutions, in their order.
        dropout: float in [0, 1). Share of the added channels to drop in
            training.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor of the size of `x`: what was added last comes first, and
        `x`, rectified, comes last.

    Raises:
        ArgumentError: `dilation_rates` is empty or holds anything but
            different positive integers.
    """
    rates = check_different_positives("dilation_rates", dilation_rates)
    options: dict[str, Any] = {
        "data_format": standardize_data_format(data_format),
        "dtype": dtype,
    }
    x = keras.layers.ReLU(dtype=dtype, name="dense_atrous_relu")(x)
    for rate in rates:
        name, y = f"dense_atrous_rate{rate}", x
        if rate != rates[0]:
            y = norm_relu(x, f"{name}_norm1", _MOMENTUM, **options)
        y = dense_conv(
            y,
            filters,
            bottleneck_filters,
            name,
            rate,
            use_bias=True,
            momentum=_MOMENTUM,
            **options,
        )
        y = keras.layers.SpatialDropout2D(
            dropout, name=f"{name}_dropout", **options
        )(y)
        x = join_channels(f"{name}_join", y, x, **options)
    return x
