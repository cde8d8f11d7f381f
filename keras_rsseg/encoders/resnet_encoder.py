import keras

from keras_rsseg.encoders.preset_encoder import PresetEncoder
from keras_rsseg.encoders.preset_encoder import check_model_keywords
from keras_rsseg.encoders.preset_encoder import image_input
from keras_rsseg.encoders.residual_blocks import basic_block
from keras_rsseg.encoders.residual_blocks import bottleneck_block
from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import standardize_data_format

_BLOCKS_OF_DEPTH = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ResNetEncoder(PresetEncoder):
    """ResNet with the strides and dilations that segmentation asks for.

    keras-hub's `ResNetBackbone` cannot be dilated. Here every stage has its
    stride and its dilation, so that the usual output strides work
    (`stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)` is
    output stride 8), and so does the trunk of the released PFNet, whose last
    two stages are strided and dilated (`stackwise_dilations=(1, 1, 2, 4)`).

    Args:
        depth: 18, 34, 50 or 101. The first two are made of basic blocks, the
            others of bottleneck blocks.
        stem: `"plain"`, one 7x7 convolution, or `"deep"`, three 3x3
            convolutions with 64, 64 and 128 channels (ResNet-C).
        stride_on: `"3x3"` or `"1x1"`: the convolution of a bottleneck block
            that has the stride (ResNet-V1.5, or V1 as first published).
        stackwise_strides: tuple of 4 ints. Stride of each stage.
        stackwise_dilations: tuple of 4 ints. Dilation of every 3x3
            convolution of each stage, its first block's included. Where the
            stride is on this convolution, the dilation must be 1 or a
            multiple of it.
        batch_norm_epsilon: float. Defaults to `1e-5`.
        image_shape: tuple `(height, width, bands)`, in this order for either
            data format. Height and width may be `None`. Defaults to `(None,
            None, 3)`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised. Any
            height and width from 1 up.

    Returns:
        A dict of float tensors `"P2"` to `"P5"`: the outputs of the four
        stages, by default at strides 4, 8, 16 and 32 (sizes rounded up) with
        256, 512, 1024 and 2048 channels (64, 128, 256, 512 for basic
        blocks). The names stay where a stage has another stride.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(50, stem="deep")
    encoder(np.zeros((1, 96, 75, 3)))["P5"].shape  # (1, 3, 3, 2048)
    ```

    Reference:
        - [He et al., Deep Residual Learning for Image Recognition, 2015](
          https://arxiv.org/abs/1512.03385)
        - [He et al., Bag of Tricks, 2018](https://arxiv.org/abs/1812.01187)
          (the deep stem)
    """

    def __init__(
        self,
        depth=50,
        stem="plain",
        stride_on="3x3",
        stackwise_strides=(1, 2, 2, 2),
        stackwise_dilations=(1, 1, 1, 1),
        batch_norm_epsilon=1e-5,
        image_shape=(None, None, 3),
        data_format=None,
        dtype=None,
        **kwargs,
    ):
        _check_choice("depth", depth, tuple(_BLOCKS_OF_DEPTH))
        _check_choice("stem", stem, ("plain", "deep"))
        _check_choice("stride_on", stride_on, ("3x3", "1x1"))
        for name, value in (
            ("stackwise_strides", stackwise_strides),
            ("stackwise_dilations", stackwise_dilations),
        ):
            if len(value) != 4:
                raise ArgumentError(
                    f"`{name}` must have one entry for each of the 4 stages. "
                    f"Received: {name}={value}"
                )
        check_model_keywords(self, kwargs)
        data_format = standardize_data_format(data_format)
        options = {
            "batch_norm_epsilon": batch_norm_epsilon,
            "data_format": data_format,
            "dtype": dtype,
        }

        # === Functional Model ===
        images = image_input(image_shape, data_format)
        x = _apply_stem(images, stem, **options)
        pyramid = {}
        block_type, stackwise_num_blocks = _BLOCKS_OF_DEPTH[depth]
        for stage, num_blocks in enumerate(stackwise_num_blocks, 1):
            x = _apply_stage(
                x,
                stage,
                block_type=block_type,
                num_blocks=num_blocks,
                strides=stackwise_strides[stage - 1],
                dilation_rate=stackwise_dilations[stage - 1],
                stride_on=stride_on,
                **options,
            )
            pyramid[f"P{stage + 1}"] = x
        super().__init__(inputs=images, outputs=pyramid, dtype=dtype, **kwargs)

        # === Config ===
        self.depth = depth
        self.stem = stem
        self.stride_on = stride_on
        self.stackwise_strides = tuple(stackwise_strides)
        self.stackwise_dilations = tuple(stackwise_dilations)
        self.batch_norm_epsilon = batch_norm_epsilon
        self.image_shape = tuple(image_shape)
        self.data_format = data_format
        self.pyramid_outputs = pyramid

    def get_config(self):
        config = super().get_config()
        config.update(
            {
                "depth": self.depth,
                "stem": self.stem,
                "stride_on": self.stride_on,
                "stackwise_strides": self.stackwise_strides,
                "stackwise_dilations": self.stackwise_dilations,
                "batch_norm_epsilon": self.batch_norm_epsilon,
                "image_shape": self.image_shape,
                "data_format": self.data_format,
            }
        )
        return config


def _check_choice(name, value, accepted):
    if value not in accepted:
        raise ArgumentError(
            f"`{name}` must be one of {accepted}. Received: {name}={value!r}"
        )


def _apply_stem(x, stem, **options):
    if stem == "deep":
        x = ConvBNReLU(64, 3, strides=2, name="stem_conv1", **options)(x)
        x = ConvBNReLU(64, 3, name="stem_conv2", **options)(x)
        x = ConvBNReLU(128, 3, name="stem_conv3", **options)(x)
    else:
        x = ConvBNReLU(64, 7, strides=2, name="stem_conv1", **options)(x)
    layout = {"data_format": options["data_format"], "dtype": options["dtype"]}
    # After a ReLU a border of zeros never wins, as PyTorch's of -inf.
    x = keras.layers.ZeroPadding2D(1, name="stem_pool_padding", **layout)(x)
    return keras.layers.MaxPooling2D(3, 2, name="stem_pool", **layout)(x)


def _apply_stage(
    x, stage, block_type, num_blocks, strides, dilation_rate, **options
):
    basic = block_type == "basic"
    block = basic_block if basic else bottleneck_block
    filters = 64 * 2 ** (stage - 1)
    axis = channel_axis(options["data_format"])
    same_channels = x.shape[axis] == filters * (1 if basic else 4)
    for index in range(1, num_blocks + 1):
        first = index == 1
        x = block(
            x,
            filters,
            name=f"stage{stage}_block{index}",
            strides=strides if first else 1,
            dilation_rate=dilation_rate,
            project=first and not (same_channels and strides == 1),
            **options,
        )
    return x
