import functools
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import is_integer
from keras_rsseg.encoders.preset_encoder import PresetEncoder
from keras_rsseg.encoders.preset_encoder import check_model_keywords
from keras_rsseg.encoders.preset_encoder import check_stages
from keras_rsseg.encoders.preset_encoder import image_input
from keras_rsseg.encoders.residual_blocks import basic_block
from keras_rsseg.encoders.residual_blocks import bottleneck_block
from keras_rsseg.encoders.residual_blocks import pool_stem
from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.typing import DataFormat

_BLOCKS_OF_DEPTH = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
}
_STEM_WIDTHS = {"plain": (64,), "deep": (64, 64, 128)}
_CHOICES = {
    "depth": tuple(_BLOCKS_OF_DEPTH),
    "stem": tuple(_STEM_WIDTHS),
    "stride_on": ("3x3", "1x1"),
    "first_block_dilation": ("full", "contracted"),
    "basic_block_dilation": ("both", "first", "second"),
    "finest_level": ("P1", "P2"),
}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ResNetEncoder(PresetEncoder):
    """ResNet with the strides and dilations that segmentation needs.

    keras-hub's `ResNetBackbone` cannot be dilated. Here every stage has its
    own stride and dilation. So the usual output strides are possible
    (`stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)` is
    output stride 8), and also the trunk of the released PFNet, whose last
    two stages are strided and dilated (`stackwise_dilations=(1, 1, 2, 4)`).

    Some released networks dilate the first block of a stage and some do not,
    but their weights look the same: those of mmsegmentation and torchvision
    need `first_block_dilation="contracted"`. The deep stem of mmsegmentation
    (ResNet-V1c) is half as wide: `stem_widths=(32, 32, 64)`.

    Args:
        depth: 18, 34, 50 or 101. The first two consist of basic blocks, the
            others of bottleneck blocks.
        stem: `"plain"`, one 7x7 convolution, or `"deep"`, three 3x3
            convolutions (ResNet-C).
        stem_widths: tuple of ints. Channels of each convolution in the stem:
            one for a plain stem, three for a deep one. Defaults to `(64,)`
            and `(64, 64, 128)`.
        stem_pool_ceil: bool. Whether the pooling of the stem rounds sizes up
            (PyTorch's `ceil_mode`): a map of 48 pixels becomes one of 25, not
            24. Defaults to `False`; the authors' OCNet has `True`.
        stride_on: `"3x3"` or `"1x1"`: the convolution of a bottleneck block
            that has the stride (ResNet-V1.5, or V1 as first published).
        stackwise_strides: tuple of 4 ints. Stride of each stage.
        stackwise_dilations: tuple of 4 ints. Dilation of the 3x3
            convolutions of each stage. If such a convolution has a stride,
            its dilation must be 1 or a multiple of the stride.
        first_block_dilation: `"full"`: the first block of a stage is dilated
            like the others. `"contracted"`: it has the dilation of the stage
            before (1 in the first stage).
        basic_block_dilation: which convolutions of a dilated basic block
            (ResNet-18 and 34) are dilated: `"both"`; `"first"`, as in
            mmsegmentation; `"second"`, as in PFNet's released code.
        finest_level: `"P2"`, or `"P1"` to add the stem's output before
            pooling. It has no weights of its own.
        batch_norm_epsilon: float. Defaults to `1e-5`.
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
        A dict of float tensors `"P2"` to `"P5"`: the outputs of the four
        stages, by default at strides 4, 8, 16 and 32 (sizes rounded up) with
        256, 512, 1024 and 2048 channels (64, 128, 256, 512 for basic
        blocks). The names stay the same for other strides. With
        `finest_level="P1"` also `"P1"`, at stride 2 with the last of the
        stem's widths.

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
        depth: int = 50,
        stem: str = "plain",
        stem_widths: Sequence[int] | None = None,
        stem_pool_ceil: bool = False,
        stride_on: str = "3x3",
        stackwise_strides: Sequence[int] = (1, 2, 2, 2),
        stackwise_dilations: Sequence[int] = (1, 1, 1, 1),
        first_block_dilation: str = "full",
        basic_block_dilation: str = "both",
        finest_level: str = "P2",
        batch_norm_epsilon: float = 1e-5,
        image_shape: Sequence[int | None] = (None, None, 3),
        data_format: DataFormat | None = None,
        dtype: Any | None = None,
        **kwargs: Any,
    ) -> None:
        _check_choices(
            depth,
            stem,
            stride_on,
            first_block_dilation,
            basic_block_dilation,
            finest_level,
        )
        stem_widths = _standardize_stem_widths(stem, stem_widths)
        check_stages("stackwise_strides", stackwise_strides)
        check_stages("stackwise_dilations", stackwise_dilations)
        check_model_keywords(self, kwargs)
        data_format = standardize_data_format(data_format)
        options: dict[str, Any] = {
            "batch_norm_epsilon": batch_norm_epsilon,
            "data_format": data_format,
            "dtype": dtype,
        }

        # === Functional Model ===
        images = image_input(image_shape, data_format)
        x = _apply_stem(images, stem, stem_widths, **options)
        pyramid = {"P1": x} if finest_level == "P1" else {}
        pyramid |= _apply_stages(
            pool_stem(x, data_format, dtype, stem_pool_ceil),
            depth,
            stackwise_strides,
            stackwise_dilations,
            contracted=first_block_dilation == "contracted",
            stride_on=stride_on,
            dilated=basic_block_dilation,
            **options,
        )
        super().__init__(inputs=images, outputs=pyramid, dtype=dtype, **kwargs)

        # === Config ===
        self.depth = depth
        self.stem = stem
        self.stem_widths = stem_widths
        self.stem_pool_ceil = stem_pool_ceil
        self.stride_on = stride_on
        self.stackwise_strides = tuple(stackwise_strides)
        self.stackwise_dilations = tuple(stackwise_dilations)
        self.first_block_dilation = first_block_dilation
        self.basic_block_dilation = basic_block_dilation
        self.finest_level = finest_level
        self.batch_norm_epsilon = batch_norm_epsilon
        self.image_shape = tuple(image_shape)
        self.data_format = data_format
        self.pyramid_outputs = pyramid

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            {
                "depth": self.depth,
                "stem": self.stem,
                "stem_widths": self.stem_widths,
                "stem_pool_ceil": self.stem_pool_ceil,
                "stride_on": self.stride_on,
                "stackwise_strides": self.stackwise_strides,
                "stackwise_dilations": self.stackwise_dilations,
                "first_block_dilation": self.first_block_dilation,
                "basic_block_dilation": self.basic_block_dilation,
                "finest_level": self.finest_level,
                "batch_norm_epsilon": self.batch_norm_epsilon,
                "image_shape": self.image_shape,
                "data_format": self.data_format,
            }
        )
        return config


def _check_choices(*given: int | str) -> None:
    for (name, accepted), value in zip(_CHOICES.items(), given, strict=True):
        check_choice(name, value, accepted)


def _standardize_stem_widths(
    stem: str, stem_widths: Sequence[int] | None
) -> tuple[int, ...]:
    """The default for `None`; raises an `ArgumentError` for a wrong number."""
    default = _STEM_WIDTHS[stem]
    if stem_widths is None:
        return default
    widths = tuple(stem_widths)
    if len(widths) != len(default) or not all(
        is_integer(width) and width > 0 for width in widths
    ):
        raise ArgumentError(
            f"`stem_widths` must be {len(default)} positive integers for "
            f"stem={stem!r}. Received: stem_widths={stem_widths}"
        )
    return widths


def _apply_stem(
    x: keras.KerasTensor, stem: str, widths: Sequence[int], **options: Any
) -> keras.KerasTensor:
    kernel_size = 7 if stem == "plain" else 3
    for index, width in enumerate(widths, 1):
        x = ConvBNReLU(
            width,
            kernel_size,
            strides=2 if index == 1 else 1,
            name=f"stem_conv{index}",
            **options,
        )(x)
    return x


def _apply_stages(
    x: keras.KerasTensor,
    depth: int,
    strides: Sequence[int],
    dilations: Sequence[int],
    contracted: bool,
    **options: Any,
) -> dict[str, keras.KerasTensor]:
    pyramid = {}
    block_type, stackwise_num_blocks = _BLOCKS_OF_DEPTH[depth]
    first_dilations = (1, *dilations[:3]) if contracted else dilations
    for stage, num_blocks in enumerate(stackwise_num_blocks, 1):
        x = _apply_stage(
            x,
            stage,
            block_type=block_type,
            num_blocks=num_blocks,
            strides=strides[stage - 1],
            dilation_rate=dilations[stage - 1],
            first_dilation_rate=first_dilations[stage - 1],
            **options,
        )
        pyramid[f"P{stage + 1}"] = x
    return pyramid


def _apply_stage(
    x: keras.KerasTensor,
    stage: int,
    block_type: str,
    num_blocks: int,
    strides: int,
    dilation_rate: int,
    first_dilation_rate: int,
    dilated: str,
    **options: Any,
) -> keras.KerasTensor:
    basic = block_type == "basic"
    block: Callable[..., keras.KerasTensor] = bottleneck_block
    if basic:
        block = functools.partial(basic_block, dilated=dilated)
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
            dilation_rate=first_dilation_rate if first else dilation_rate,
            project=first and not (same_channels and strides == 1),
            **options,
        )
    return x
