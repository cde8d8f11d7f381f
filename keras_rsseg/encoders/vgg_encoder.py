from collections.abc import Sequence
from typing import Any

import keras

from keras_rsseg.checks import check_choice
from keras_rsseg.encoders.preset_encoder import PresetEncoder
from keras_rsseg.encoders.preset_encoder import check_model_keywords
from keras_rsseg.encoders.preset_encoder import image_input
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.typing import DataFormat

# Convolutions of each block, and their channels.
_BLOCKS_OF_DEPTH = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_WIDTHS = (64, 128, 256, 512, 512)
_LEVELS = ("pools", "blocks")
_PADDINGS = (1, 100)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class VGGEncoder(PresetEncoder):
    """VGG: five blocks of 3x3 convolutions, each followed by a max pool.

    There is no batch normalization, so without pretrained weights a network
    on this encoder trains slowly.

    Args:
        depth: 16 or 19.
        levels_from: `"pools"`: levels are the pooled outputs of the last four
            blocks. `"blocks"`: the outputs before pooling, twice as large; no
            pool follows the last block then. Defaults to `"pools"`.
        first_padding: `1`, or `100` rows and columns of zeros around the
            image, as in the published FCN-8s; levels are larger then.
            Defaults to `1`.
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
        A dict of float tensors `"P2"` to `"P5"` at strides 4, 8, 16 and 32
        (sizes rounded up) with 128, 256, 512 and 512 channels; with
        `levels_from="blocks"`, at strides 2, 4, 8 and 16.

    Raises:
        ArgumentError: an argument is not one of the above.

    Example:

    ```python
    encoder = keras_rsseg.encoders.VGGEncoder(16)
    encoder.compute_output_shape((1, 96, 75, 3))["P5"]  # (1, 3, 3, 512)
    ```

    Reference:
        - [Simonyan et al., Very Deep Convolutional Networks for Large-Scale
          Image Recognition, 2014](https://arxiv.org/abs/1409.1556)
    """

    def __init__(
        self,
        depth: int = 16,
        levels_from: str = "pools",
        first_padding: int = 1,
        image_shape: Sequence[int | None] = (None, None, 3),
        data_format: DataFormat | None = None,
        dtype: Any | None = None,
        **kwargs: Any,
    ) -> None:
        check_choice("depth", depth, tuple(_BLOCKS_OF_DEPTH))
        check_choice("levels_from", levels_from, _LEVELS)
        check_choice("first_padding", first_padding, _PADDINGS)
        check_model_keywords(self, kwargs)
        data_format = standardize_data_format(data_format)
        options: dict[str, Any] = {"data_format": data_format, "dtype": dtype}

        # === Functional Model ===
        images = image_input(image_shape, data_format)
        x = images
        if first_padding > 1:
            # The first convolution itself pads by 1 more.
            x = keras.layers.ZeroPadding2D(
                first_padding - 1, name="first_padding", **options
            )(x)
        pyramid = {}
        for block, num_convs in enumerate(_BLOCKS_OF_DEPTH[depth], 1):
            for index in range(1, num_convs + 1):
                x = _conv(x, block, index, **options)
            pyramid[f"P{block}"] = x
            if levels_from == "pools" or block < len(_WIDTHS):
                # Like PyTorch's `ceil_mode`: an odd last pixel is kept.
                x = keras.layers.MaxPooling2D(
                    2, padding="same", name=f"block{block}_pool", **options
                )(x)
            if levels_from == "pools":
                pyramid[f"P{block}"] = x
        del pyramid["P1"]
        super().__init__(inputs=images, outputs=pyramid, dtype=dtype, **kwargs)

        # === Config ===
        self.depth = depth
        self.levels_from = levels_from
        self.first_padding = first_padding
        self.image_shape = tuple(image_shape)
        self.data_format = data_format
        self.pyramid_outputs = pyramid

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            {
                "depth": self.depth,
                "levels_from": self.levels_from,
                "first_padding": self.first_padding,
                "image_shape": self.image_shape,
                "data_format": self.data_format,
            }
        )
        return config


def _conv(
    x: keras.KerasTensor, block: int, index: int, **options: Any
) -> keras.KerasTensor:
    conv = keras.layers.Conv2D(
        _WIDTHS[block - 1],
        3,
        padding="same",
        activation="relu",
        kernel_initializer="he_normal",
        name=f"block{block}_conv{index}",
        **options,
    )
    return conv(x)
