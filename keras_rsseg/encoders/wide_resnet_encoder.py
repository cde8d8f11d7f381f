from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_positive
from keras_rsseg.checks import is_integer
from keras_rsseg.encoders.preactivated_blocks import norm_relu
from keras_rsseg.encoders.preset_encoder import PresetEncoder
from keras_rsseg.encoders.preset_encoder import check_model_keywords
from keras_rsseg.encoders.preset_encoder import image_input
from keras_rsseg.encoders.residual_blocks import MaxPool
from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.conv2d import Conv2D
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import first_spatial_axis
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.typing import DataFormat

# For each stage: channels of the convolutions as multiples of the width,
# stride, dilation, and the share of channels to drop before the last one.
_STAGES = {
    2: ((2, 2), 1, 1, 0.0),
    3: ((4, 4), 1, 1, 0.0),
    4: ((8, 8), 2, 1, 0.0),
    5: ((8, 16), 1, 2, 0.0),
    6: ((8, 16, 32), 1, 4, 0.3),
    7: ((16, 32, 64), 1, 4, 0.5),
}
_LEVEL_OF_STAGE = {1: "P1", 2: "P2", 3: "P3", 4: "P4", 7: "P5"}
_FINEST = ("P1", "P2")


@keras.saving.register_keras_serializable(package="keras_rsseg")
class WideResNetEncoder(PresetEncoder):
    """Wide ResNet-38 at output stride 8, the trunk of GSCNN.

    Blocks normalise before convolving, and the last map is not normalised.

    Args:
        width: int. Channels of the first convolution; the last stage has 64
            times as many. Defaults to `64`.
        stackwise_num_blocks: tuple of 6 ints. Blocks of stages 2 to 7.
            Defaults to `(3, 3, 6, 3, 1, 1)`.
        finest_level: `"P2"`, or `"P1"` to add the first convolution, which
            GSCNN needs. It has no weights of its own.
        image_shape: tuple `(height, width, bands)`, in this order for either
            data format. Height and width can be `None`. Defaults to `(None,
            None, 3)`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised. Any
            height and width from 1 up.

    Returns:
        A dict of float tensors `"P2"` to `"P5"` at strides 2, 4, 8 and 8
        (sizes rounded up) with 128, 256, 512 and 4096 channels: stages 2, 3,
        4 and 7. With `finest_level="P1"` also `"P1"`, at stride 1 with 64.

    Raises:
        ArgumentError: an argument is not one of the above.

    Example:

    ```python
    encoder = keras_rsseg.encoders.WideResNetEncoder(
        width=8, stackwise_num_blocks=(1, 1, 1, 1, 1, 1)
    )
    encoder(np.zeros((1, 48, 33, 3)))["P5"].shape  # (1, 6, 5, 512)
    ```

    Reference:
        - [Wu et al., Wider or Deeper: Revisiting the ResNet Model for Visual
          Recognition, 2016](https://arxiv.org/abs/1611.10080)
    """

    def __init__(
        self,
        width: int = 64,
        stackwise_num_blocks: Sequence[int] = (3, 3, 6, 3, 1, 1),
        finest_level: str = "P2",
        image_shape: Sequence[int | None] = (None, None, 3),
        data_format: DataFormat | None = None,
        dtype: Any | None = None,
        **kwargs: Any,
    ) -> None:
        check_positive("width", width)
        _check_blocks(stackwise_num_blocks)
        check_choice("finest_level", finest_level, _FINEST)
        check_model_keywords(self, kwargs)
        data_format = standardize_data_format(data_format)
        options: dict[str, Any] = {"data_format": data_format, "dtype": dtype}

        # === Functional Model ===
        images = image_input(image_shape, data_format)
        x = _conv(images, width, 3, "stem_conv1", **options)
        pyramid = {"P1": x} if finest_level == "P1" else {}
        for (stage, layout), num_blocks in zip(
            _STAGES.items(), stackwise_num_blocks, strict=True
        ):
            if stage < 4:
                x = _pool(x, stage, **options)
            x = _apply_stage(x, stage, num_blocks, width, *layout, **options)
            if stage in _LEVEL_OF_STAGE:
                pyramid[_LEVEL_OF_STAGE[stage]] = x
        super().__init__(inputs=images, outputs=pyramid, dtype=dtype, **kwargs)

        # === Config ===
        self.width = width
        self.stackwise_num_blocks = tuple(stackwise_num_blocks)
        self.finest_level = finest_level
        self.image_shape = tuple(image_shape)
        self.data_format = data_format
        self.pyramid_outputs = pyramid

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            {
                "width": self.width,
                "stackwise_num_blocks": self.stackwise_num_blocks,
                "finest_level": self.finest_level,
                "image_shape": self.image_shape,
                "data_format": self.data_format,
            }
        )
        return config


def _check_blocks(value: Sequence[int]) -> None:
    blocks = tuple(value)
    if len(blocks) != len(_STAGES) or not all(
        is_integer(number) and number > 0 for number in blocks
    ):
        raise ArgumentError(
            f"`stackwise_num_blocks` must be {len(_STAGES)} positive "
            f"integers. Received: stackwise_num_blocks={value}"
        )


def _conv(
    x: keras.KerasTensor,
    filters: int,
    kernel_size: int,
    name: str,
    **options: Any,
) -> keras.KerasTensor:
    conv = Conv2D(
        filters,
        kernel_size,
        padding="same",
        use_bias=False,
        name=name,
        **options,
    )
    return conv(x)


def _pool(
    x: keras.KerasTensor, stage: int, data_format: DataFormat, dtype: Any
) -> keras.KerasTensor:
    """A 3x3 max pool of stride 2 for maps that are not rectified."""
    width = [(0, 0)] * 4
    first = first_spatial_axis(data_format)
    width[first] = width[first + 1] = (1, 1)
    x = ops.pad(x, width, constant_values=float("-inf"))
    return MaxPool(
        3, 2, name=f"pool{stage}", data_format=data_format, dtype=dtype
    )(x)


def _apply_stage(
    x: keras.KerasTensor,
    stage: int,
    num_blocks: int,
    width: int,
    multiples: Sequence[int],
    strides: int,
    dilation_rate: int,
    dropout: float,
    **options: Any,
) -> keras.KerasTensor:
    filters = [width * multiple for multiple in multiples]
    for index in range(1, num_blocks + 1):
        x = _block(
            x,
            filters,
            strides if index == 1 else 1,
            dilation_rate,
            dropout,
            f"stage{stage}_block{index}",
            **options,
        )
    return x


def _block(
    x: keras.KerasTensor,
    filters: Sequence[int],
    strides: int,
    dilation_rate: int,
    dropout: float,
    name: str,
    **options: Any,
) -> keras.KerasTensor:
    """Two 3x3 convolutions, or 1x1, 3x3 and 1x1, beside a shortcut."""
    y = norm_relu(x, f"{name}_norm1", **options)
    axis = channel_axis(options["data_format"])
    if strides > 1 or x.shape[axis] != filters[-1]:
        x = keras.layers.Conv2D(
            filters[-1],
            1,
            strides=strides,
            use_bias=False,
            name=f"{name}_shortcut",
            **options,
        )(y)
    wide = len(filters) == 3
    kernels = (1, 3, 1) if wide else (3, 3)
    for index, (width, size) in enumerate(
        zip(filters[:-1], kernels[:-1], strict=True), 1
    ):
        y = ConvBNReLU(
            width,
            size,
            strides=strides if index == 1 else 1,
            dilation_rate=1 if size == 1 else dilation_rate,
            name=f"{name}_conv{index}",
            **options,
        )(y)
    if dropout:
        y = keras.layers.SpatialDropout2D(
            dropout, name=f"{name}_dropout", **options
        )(y)
    y = Conv2D(
        filters[-1],
        kernels[-1],
        padding="same",
        dilation_rate=1 if wide else dilation_rate,
        use_bias=False,
        name=f"{name}_conv{len(filters)}",
        **options,
    )(y)
    return keras.layers.Add(dtype=options["dtype"], name=f"{name}_add")([x, y])
