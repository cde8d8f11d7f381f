from collections.abc import Sequence
from typing import Any

import keras

from keras_rsseg.checks import check_choice
from keras_rsseg.encoders.preactivated_blocks import dense_conv
from keras_rsseg.encoders.preactivated_blocks import join_channels
from keras_rsseg.encoders.preactivated_blocks import norm_relu
from keras_rsseg.encoders.preset_encoder import PresetEncoder
from keras_rsseg.encoders.preset_encoder import check_model_keywords
from keras_rsseg.encoders.preset_encoder import check_stages
from keras_rsseg.encoders.preset_encoder import image_input
from keras_rsseg.encoders.residual_blocks import pool_stem
from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.typing import DataFormat

# Channels of the stem, channels that a layer adds, and layers of each block.
_LAYOUTS = {
    121: (64, 32, (6, 12, 24, 16)),
    161: (96, 48, (6, 12, 36, 24)),
    169: (64, 32, (6, 12, 32, 32)),
    201: (64, 32, (6, 12, 48, 32)),
}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DenseNetEncoder(PresetEncoder):
    """DenseNet with the strides and dilations that segmentation needs.

    Each layer of a block adds channels to the map; a transition between
    blocks halves them. `stackwise_strides=(1, 2, 1, 1),
    stackwise_dilations=(1, 1, 2, 4)` is output stride 8, as in DenseASPP.

    Args:
        depth: 121, 161, 169 or 201.
        stackwise_strides: tuple of 4 ints. Stride before each block, 1 or 2;
            before the first, after the stem's stride of 4, it must be 1.
        stackwise_dilations: tuple of 4 ints. Dilation of the 3x3 convolutions
            of each block.
        reduce_output: bool. Whether a transition also follows the last block,
            as in DenseASPP: P5 has half as many channels. Defaults to
            `False`.
        image_shape: tuple `(height, width, bands)`, in this order for either
            data format. Height and width can be `None`. Defaults to `(None,
            None, 3)`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised, at
            least as many pixels high and wide as the output stride.

    Returns:
        A dict of float tensors `"P2"` to `"P5"`: the outputs of the four
        blocks, normalised and rectified, by default at strides 4, 8, 16 and
        32 with 256, 512, 1024 and 1024 channels (depth 121). Averages over
        2x2 pixels leave out an odd last row and column, so sizes are rounded
        up at stride 4, and down from there.

    Raises:
        ArgumentError: there is no such depth, a tuple does not have four
            entries, or a stride is neither 1 nor 2.

    Example:

    ```python
    encoder = keras_rsseg.encoders.DenseNetEncoder(
        121, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    encoder.compute_output_shape((1, 96, 64, 3))["P5"]  # (1, 12, 8, 1024)
    ```

    Reference:
        - [Huang et al., Densely Connected Convolutional Networks, 2016](
          https://arxiv.org/abs/1608.06993)
    """

    def __init__(
        self,
        depth: int = 121,
        stackwise_strides: Sequence[int] = (1, 2, 2, 2),
        stackwise_dilations: Sequence[int] = (1, 1, 1, 1),
        reduce_output: bool = False,
        image_shape: Sequence[int | None] = (None, None, 3),
        data_format: DataFormat | None = None,
        dtype: Any | None = None,
        **kwargs: Any,
    ) -> None:
        check_choice("depth", depth, tuple(_LAYOUTS))
        check_stages("stackwise_dilations", stackwise_dilations)
        _check_strides(stackwise_strides)
        check_model_keywords(self, kwargs)
        data_format = standardize_data_format(data_format)
        options: dict[str, Any] = {"data_format": data_format, "dtype": dtype}

        # === Functional Model ===
        images = image_input(image_shape, data_format)
        width, growth, stackwise_num_layers = _LAYOUTS[depth]
        x = ConvBNReLU(width, 7, strides=2, name="stem_conv1", **options)(
            images
        )
        x = pool_stem(x, **options)
        pyramid = {}
        for stage, num_layers in enumerate(stackwise_num_layers, 1):
            if stage > 1:
                x = _transition(
                    x, stage - 1, stackwise_strides[stage - 1], **options
                )
            for index in range(1, num_layers + 1):
                name = f"stage{stage}_layer{index}"
                new = dense_conv(
                    norm_relu(x, f"{name}_norm1", **options),
                    growth,
                    4 * growth,
                    name,
                    stackwise_dilations[stage - 1],
                    **options,
                )
                x = join_channels(f"{name}_join", x, new, **options)
            if stage < 4 or reduce_output:
                x = norm_relu(x, f"transition{stage}_norm", **options)
                pyramid[f"P{stage + 1}"] = x
        if reduce_output:
            x = _transition(x, 4, 1, **options)
        pyramid["P5"] = norm_relu(x, "output_norm", **options)
        super().__init__(inputs=images, outputs=pyramid, dtype=dtype, **kwargs)

        # === Config ===
        self.depth = depth
        self.stackwise_strides = tuple(stackwise_strides)
        self.stackwise_dilations = tuple(stackwise_dilations)
        self.reduce_output = reduce_output
        self.image_shape = tuple(image_shape)
        self.data_format = data_format
        self.pyramid_outputs = pyramid

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            {
                "depth": self.depth,
                "stackwise_strides": self.stackwise_strides,
                "stackwise_dilations": self.stackwise_dilations,
                "reduce_output": self.reduce_output,
                "image_shape": self.image_shape,
                "data_format": self.data_format,
            }
        )
        return config


def _check_strides(strides: Sequence[int]) -> None:
    check_stages("stackwise_strides", strides)
    if strides[0] != 1 or not set(strides) <= {1, 2}:
        raise ArgumentError(
            "`stackwise_strides` must be 1 before the first block and 1 or 2 "
            f"before the others. Received: stackwise_strides={strides}"
        )


def _transition(
    x: keras.KerasTensor, stage: int, strides: int, **options: Any
) -> keras.KerasTensor:
    """Halve the channels and the size of a normalised map."""
    name = f"transition{stage}"
    x = keras.layers.Conv2D(
        x.shape[channel_axis(options["data_format"])] // 2,
        1,
        use_bias=False,
        name=f"{name}_conv",
        **options,
    )(x)
    if strides == 1:
        return x
    pool = keras.layers.AveragePooling2D(2, name=f"{name}_pool", **options)
    return pool(x)
