"""Levels of a pyramid that climb to the finest one, doubling at each step."""

from collections.abc import Sequence
from typing import Any
from typing import Literal
from typing import TypeAlias
from typing import get_args

import keras

from keras_rsseg.checks import check_choice
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.ops.resize import resize
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor

Reduction: TypeAlias = Literal["sum", "mean"]


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PyramidLadders(keras.layers.Layer):
    """Brings the levels of a pyramid to the size of the finest, and adds them.

    Each level climbs a ladder of its own: a step is a 3x3 convolution with
    batch normalization and ReLU, and an enlargement by 2 (bilinear). The
    second level has one step, the third two, and so on; the finest has only
    the convolution. Then all are resized to the finest level's size, which
    changes nothing if sizes are divisible, and summed or averaged. This is
    the decoder of semantic FPN (`"sum"`) and of FarSeg (`"mean"`, corners
    aligned).

    Args:
        filters: int. Channels of the output and of each convolution. Defaults
            to `128`.
        reduction: `"sum"` or `"mean"` of the levels. Defaults to `"sum"`.
        align_corners: bool. How levels are resized, see
            `keras_rsseg.ops.resize`. Defaults to `False`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        levels: list of tensors `(batch, h, w, channels)`, finest first, each
            half as large as the one before.

    Returns:
        Tensor `(batch, height, width, filters)` of the first level's size.

    Raises:
        ArgumentError: `reduction` is none of the above.

    Example:

    ```python
    levels = [np.zeros((1, 32 // s, 32 // s, 8)) for s in (1, 2, 4)]
    keras_rsseg.layers.PyramidLadders(16)(levels).shape  # (1, 32, 32, 16)
    ```

    Reference:
        - [Kirillov et al., Panoptic Feature Pyramid Networks, 2019](
          https://arxiv.org/abs/1901.02446), section 4.1
        - [Zheng et al., FarSeg, 2020](https://arxiv.org/abs/2011.09766),
          section 3.3
    """

    def __init__(
        self,
        filters: int = 128,
        reduction: Reduction = "sum",
        align_corners: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_choice("reduction", reduction, get_args(Reduction))
        self.filters = filters
        self.reduction = reduction
        self.align_corners = align_corners
        self.data_format = standardize_data_format(data_format)
        # Of all levels, finest first. Keras cannot save a list of lists.
        self.convs: list[ConvBNReLU] = []

    def build(self, levels_shape: Sequence[Shape]) -> None:
        for level, shape in enumerate(levels_shape, 1):
            for step in range(1, _num_steps(level) + 1):
                conv = ConvBNReLU(
                    self.filters,
                    3,
                    data_format=self.data_format,
                    dtype=self.dtype_policy,
                    name=f"level{level}_conv{step}",
                )
                conv.build(shape)
                shape = with_channels(shape, self.filters, self.data_format)
                self.convs.append(conv)

    def call(
        self, levels: Sequence[Tensor], training: bool | None = None
    ) -> Tensor:
        convs = iter(self.convs)
        climbed = []
        for level, x in enumerate(levels, 1):
            for _ in range(_num_steps(level)):
                x = next(convs)(x, training=training)
                if level > 1:
                    height, width = spatial_size(x, self.data_format)
                    x = self._resize(x, (2 * height, 2 * width))
            climbed.append(x)
        size = spatial_size(levels[0], self.data_format)
        total = sum(self._resize(x, size) for x in climbed)
        return total / len(levels) if self.reduction == "mean" else total

    def _resize(self, x, size):
        own = spatial_size(x, self.data_format)
        known = all(isinstance(length, int) for length in (*own, *size))
        if known and tuple(own) == tuple(size):
            return x
        return resize(
            x,
            size,
            align_corners=self.align_corners,
            data_format=self.data_format,
        )

    def compute_output_shape(self, levels_shape: Sequence[Shape]) -> Shape:
        return with_channels(levels_shape[0], self.filters, self.data_format)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "filters": self.filters,
                "reduction": self.reduction,
                "align_corners": self.align_corners,
                "data_format": self.data_format,
            }
        )
        return config


def _num_steps(level):
    return max(level - 1, 1)
