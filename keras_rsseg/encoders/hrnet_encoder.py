import functools
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras

from keras_rsseg.checks import check_choice
from keras_rsseg.encoders.preset_encoder import PresetEncoder
from keras_rsseg.encoders.preset_encoder import check_model_keywords
from keras_rsseg.encoders.preset_encoder import image_input
from keras_rsseg.encoders.residual_blocks import basic_block
from keras_rsseg.encoders.residual_blocks import bottleneck_block
from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.improved_flow_warp import ImprovedFlowWarp
from keras_rsseg.layers.resize_like import ResizeLike
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.rectify import rectify
from keras_rsseg.typing import DataFormat

# The flows of the IFWM paper's Table III. If no kernel is given, its size
# follows from the difference of the resolutions.
_FLOWS: dict[str, dict[str, Any]] = {
    "ifwm": {"flow": "add", "fine_kernel_size": 1},
    "sf": {"flow": "concat", "kernel_size": 3},
    "lsf": {"flow": "concat"},
    "rifw": {"flow": "add", "fine_kernel_size": 3},
}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class HRNetEncoder(PresetEncoder):
    """HRNetV2: branches of four resolutions that exchange their features.

    A stem brings the image to stride 4. Stages 2, 3 and 4 then keep 2, 3 and
    4 branches at strides 4, 8, 16 and 32 with `width * (1, 2, 4, 8)`
    channels. Every module ends in a fusion, in which each branch receives the
    sum of all others. Going down it uses strided convolutions, going up
    bilinear resizing, which IFWM replaces by a warp along a learned flow.

    Args:
        width: int. Channels of the finest branch: 18, 32 and 48 are the
            published networks.
        stackwise_num_modules: tuple of 3 ints. Modules of stages 2, 3 and 4.
            Defaults to `(1, 4, 3)`; the small variants have fewer.
        num_blocks: int. Basic blocks of a branch in each module. Defaults to
            `4`.
        num_bottlenecks: int. Bottleneck blocks of stage 1. Defaults to `4`.
        bottleneck_filters: int. Inner channels of these blocks, which output
            four times as many. Defaults to `64`.
        align_corners: bool. How the fusion resizes. `True` is the default of
            the released HRNet-OCR code, `False` that of its older branches
            and of the Cityscapes W48 network.
        resize_by_factor: bool. Whether the fusion enlarges a branch by 2, 4
            or 8 first, and then resizes it to the size of the finer one, as
            mmsegmentation does: the result differs if sizes are odd. Only for
            `fusion="bilinear"`. Defaults to `False`.
        fusion: how the fusion goes up. `"bilinear"`, the default, is HRNet.
            The others warp each coarse branch, after its 1x1 convolution,
            with `keras_rsseg.layers.ImprovedFlowWarp`: `"ifwm"`, or its
            variants `"sf"`, `"lsf"` and `"rifw"`. They need
            `align_corners=True`. The region convolution is 3, 7 or 15 wide
            for branches 1, 2 or 3 levels apart, whatever the ratio of odd
            sizes (`"sf"`: always 3). The flow is the only new part, and
            starts at zero, which gives HRNet's output; loading weights of
            HRNet also sets it to zero.
        finest_level: `"P2"`, or `"P1"` to add the output of the stem's first
            convolution. It has no weights of its own.
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
        A dict of float tensors: `"P2"` (stride 4, `width` channels), `"P3"`,
        `"P4"` and `"P5"` (stride 32, `8 * width` channels), and with
        `finest_level="P1"` also `"P1"` (stride 2, 64 channels). The size at
        stride s is `ceil(size / s)`.

    Example:

    ```python
    # A light one: the released network has (1, 4, 3) modules.
    encoder = keras_rsseg.encoders.HRNetEncoder(
        width=18, stackwise_num_modules=(1, 1, 1)
    )
    encoder(np.zeros((1, 96, 75, 3)))["P3"].shape  # (1, 12, 10, 36)

    # HRNet's weights with IFWM, whose flow is zero.
    encoder.save_to_preset("hrnet")
    encoder = keras_rsseg.encoders.HRNetEncoder.from_preset(
        "hrnet", fusion="ifwm"
    )
    ```

    Reference:
        - [Wang et al., Deep High-Resolution Representation Learning for
          Visual Recognition, 2020](https://arxiv.org/abs/1908.07919)
        - [Zhang et al., Improved-Flow Warp Module for Remote Sensing
          Semantic Segmentation, 2022](https://arxiv.org/abs/2205.04160)
    """

    def __init__(
        self,
        width: int = 18,
        stackwise_num_modules: Sequence[int] = (1, 4, 3),
        num_blocks: int = 4,
        num_bottlenecks: int = 4,
        bottleneck_filters: int = 64,
        align_corners: bool = True,
        fusion: str = "bilinear",
        resize_by_factor: bool = False,
        finest_level: str = "P2",
        image_shape: Sequence[int | None] = (None, None, 3),
        data_format: DataFormat | None = None,
        dtype: Any | None = None,
        **kwargs: Any,
    ) -> None:
        _check_num_modules(stackwise_num_modules)
        _check_fusion(fusion, align_corners, resize_by_factor)
        check_choice("finest_level", finest_level, ("P1", "P2"))
        check_model_keywords(self, kwargs)
        data_format = standardize_data_format(data_format)
        options: dict[str, Any] = {"data_format": data_format, "dtype": dtype}
        upsampling = functools.partial(
            _upsampling, fusion, align_corners, resize_by_factor
        )

        # === Functional Model ===
        images = image_input(image_shape, data_format)
        x = ConvBNReLU(64, 3, strides=2, name="stem_conv1", **options)(images)
        pyramid = {"P1": x} if finest_level == "P1" else {}
        x = ConvBNReLU(64, 3, strides=2, name="stem_conv2", **options)(x)
        branches = [
            _apply_stage1(x, num_bottlenecks, bottleneck_filters, **options)
        ]
        for stage, num_modules in enumerate(stackwise_num_modules, 2):
            branches = _add_branch(branches, stage, width, **options)
            for module in range(1, num_modules + 1):
                name = f"stage{stage}_module{module}"
                branches = _run_branches(
                    branches, num_blocks, width, name, **options
                )
                branches = _fuse_branches(
                    branches, width, upsampling, name, **options
                )
        pyramid |= {f"P{i}": branch for i, branch in enumerate(branches, 2)}
        super().__init__(inputs=images, outputs=pyramid, dtype=dtype, **kwargs)

        # === Config ===
        self.width = width
        self.stackwise_num_modules = tuple(stackwise_num_modules)
        self.num_blocks = num_blocks
        self.num_bottlenecks = num_bottlenecks
        self.bottleneck_filters = bottleneck_filters
        self.align_corners = align_corners
        self.fusion = fusion
        self.resize_by_factor = resize_by_factor
        self.finest_level = finest_level
        self.image_shape = tuple(image_shape)
        self.data_format = data_format
        self.pyramid_outputs = pyramid

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            {
                "width": self.width,
                "stackwise_num_modules": self.stackwise_num_modules,
                "num_blocks": self.num_blocks,
                "num_bottlenecks": self.num_bottlenecks,
                "bottleneck_filters": self.bottleneck_filters,
                "align_corners": self.align_corners,
                "fusion": self.fusion,
                "resize_by_factor": self.resize_by_factor,
                "finest_level": self.finest_level,
                "image_shape": self.image_shape,
                "data_format": self.data_format,
            }
        )
        return config


def _check_num_modules(stackwise_num_modules: Sequence[int]) -> None:
    if len(stackwise_num_modules) != 3:
        raise ArgumentError(
            "`stackwise_num_modules` must have one entry for each of the "
            "stages 2, 3 and 4. Received: stackwise_num_modules="
            f"{stackwise_num_modules}"
        )


def _check_fusion(
    fusion: str, align_corners: bool, resize_by_factor: bool
) -> None:
    check_choice("fusion", fusion, ("bilinear", *_FLOWS))
    if fusion != "bilinear" and not align_corners:
        raise ArgumentError(
            "`align_corners` must be True for a `fusion` with flow, which "
            "starts as a resize with aligned corners. Received: "
            f"align_corners={align_corners}, fusion={fusion!r}"
        )
    if fusion != "bilinear" and resize_by_factor:
        raise ArgumentError(
            "`resize_by_factor` must be False for a `fusion` with flow, which "
            "does not resize. Received: "
            f"resize_by_factor={resize_by_factor}, fusion={fusion!r}"
        )


def _apply_stage1(
    x: keras.KerasTensor, num_blocks: int, filters: int, **options: Any
) -> keras.KerasTensor:
    for block in range(1, num_blocks + 1):
        x = bottleneck_block(
            x,
            filters,
            project=block == 1,
            name=f"stage1_block{block}",
            **options,
        )
    return x


def _add_branch(
    branches: list[keras.KerasTensor], stage: int, width: int, **options: Any
) -> list[keras.KerasTensor]:
    """Appends a branch at half the resolution of the coarsest one."""
    filters = width * 2 ** len(branches)
    name = f"transition{stage - 1}"
    coarser = ConvBNReLU(
        filters,
        3,
        strides=2,
        name=f"{name}_branch{len(branches) + 1}",
        **options,
    )(branches[-1])
    if stage == 2:
        # Only the stem's 256 channels need to be brought to the width.
        finest = ConvBNReLU(width, 3, name=f"{name}_branch1", **options)
        branches = [finest(branches[0])]
    return [*branches, coarser]


def _run_branches(
    branches: list[keras.KerasTensor],
    num_blocks: int,
    width: int,
    name: str,
    **options: Any,
) -> list[keras.KerasTensor]:
    outputs = []
    for i, x in enumerate(branches):
        for block in range(1, num_blocks + 1):
            x = basic_block(
                x,
                width * 2**i,
                name=f"{name}_branch{i + 1}_block{block}",
                **options,
            )
        outputs.append(x)
    return outputs


def _fuse_branches(
    branches: list[keras.KerasTensor],
    width: int,
    upsampling: Callable[..., keras.layers.Layer],
    name: str,
    **options: Any,
) -> list[keras.KerasTensor]:
    """Gives every branch the sum of all, brought to its resolution."""
    outputs = []
    for i, own in enumerate(branches):
        terms = []
        for j, other in enumerate(branches):
            path = f"{name}_fuse{j + 1}to{i + 1}"
            if j < i:
                terms.append(_downsample(other, i, j, width, path, **options))
            elif j == i:
                terms.append(own)
            else:
                coarse = ConvBNReLU(
                    width * 2**i,
                    1,
                    activation=None,
                    name=f"{path}_conv",
                    **options,
                )(other)
                up = upsampling(j - i, path, **options)
                terms.append(up(own, coarse))
        dtype = options["dtype"]
        x = keras.layers.Add(dtype=dtype, name=f"{name}_sum{i + 1}")(terms)
        x = keras.layers.Activation(
            rectify, dtype=dtype, name=f"{name}_relu{i + 1}"
        )(x)
        outputs.append(x)
    return outputs


def _downsample(
    x: keras.KerasTensor,
    i: int,
    j: int,
    width: int,
    path: str,
    **options: Any,
) -> keras.KerasTensor:
    for step in range(1, i - j + 1):
        last = step == i - j
        x = ConvBNReLU(
            width * 2 ** (i if last else j),
            3,
            strides=2,
            activation=None if last else "relu",
            name=f"{path}_conv{step}",
            **options,
        )(x)
    return x


def _upsampling(
    fusion: str,
    align_corners: bool,
    resize_by_factor: bool,
    levels: int,
    path: str,
    **options: Any,
) -> keras.layers.Layer:
    """Returns the layer that brings a branch some levels up to a finer one."""
    if fusion == "bilinear":
        return ResizeLike(
            align_corners=align_corners,
            factor=2**levels if resize_by_factor else 1,
            name=f"{path}_resize",
            **options,
        )
    # The fine branch is already in the sum, once for all warped ones.
    flow: dict[str, Any] = {
        "kernel_size": 2 * 2**levels - 1,
        "add_fine": False,
        **_FLOWS[fusion],
    }
    return ImprovedFlowWarp(name=f"{path}_warp", **flow, **options)
