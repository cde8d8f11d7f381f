"""IFWM: a coarse map added to a fine one along a learned flow."""

import math
from typing import Any
from typing import get_args

import keras
from keras import ops

from keras_rsseg.checks import check_choice
from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.fine_and_coarse import check_kernel_size
from keras_rsseg.layers.fine_and_coarse import check_same_channels
from keras_rsseg.layers.flow_conv import FlowConv
from keras_rsseg.layers.flow_conv import FlowJoin
from keras_rsseg.ops.data_format import first_spatial_axis
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.flow_warp import flow_warp
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ImprovedFlowWarp(keras.layers.Layer):
    """IFWM: adds a coarse map to a fine one, warped by a learned flow.

    The flow, two channels at the fine map's size, is the sum of a small
    convolution of the fine map and a *region convolution* of the coarse map,
    upsampled to that size. The coarse map is then sampled along the flow, see
    `keras_rsseg.ops.flow_warp`. In a new layer the flow is zero, which is
    bilinear resizing with the corners aligned.

    No code was released, and the paper leaves open how maps are resized and
    flows scaled; both follow SFNet, which the module improves on. The
    region convolution is `2 * r - 1` wide for a fine map `r` times as large
    as the coarse one (3, 7 and 15 for 2, 4 and 8). On the upsampled map this
    is the support of bilinear interpolation: the pixels to which one coarse
    pixel contributes.

    Maps of any size can be joined. If the ratio is not a whole number (25
    rows are 1.92 times as many as 13), corners still coincide, a fine row `i`
    of `H` is the coarse row `i * (h - 1) / (H - 1)`, and the kernel is that
    of the nearest ratio. One unit of flow is always `(w - 1) / (2 * W)`
    coarse pixels, about half a fine one.

    The paper's Table III, for a ratio r:

    | variant | `flow`     | `kernel_size` | `fine_kernel_size` |
    |---------|------------|---------------|--------------------|
    | SF      | `"concat"` | `3`           |                    |
    | LSF     | `"concat"` | `2 * r - 1`   |                    |
    | RIFW    | `"add"`    | `2 * r - 1`   | `3`                |
    | IFWM    | `"add"`    | `2 * r - 1`   | `1`                |

    Args:
        flow: `"add"`, the sum of one convolution of each map, or `"concat"`,
            one convolution of both maps' channels. Defaults to `"add"`.
        kernel_size: odd int. Kernel of the region convolution, or with
            `"concat"` of the only one. Defaults to `None`, `2 * r - 1` for
            the power of two nearest to the ratio of the sizes when the layer
            is built. The ratio must be about 2, 4 or 8; if the sizes are
            unknown then, give a number here.
        fine_kernel_size: odd int. Kernel of the fine map's convolution; not
            used with `"concat"`. Defaults to `1`.
        add_fine: bool. Whether to add the fine map, as in the paper. If
            `False`, only the warped coarse map is returned, for a sum of
            several. Defaults to `True`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`. The flow is
            float32 whatever the policy.

    Call arguments:
        fine: float tensor `(batch, H, W, channels)`; channels second for
            `"channels_first"`. Heights and widths can be unknown and odd.
        coarse: float tensor `(batch, h, w, channels)` with `h <= H`,
            `w <= W`.

    Returns:
        Tensor like `fine`. Values from outside the coarse map are zero.

    Raises:
        ArgumentError: when an argument is not one of the above, when the maps
            differ in channels, when the coarse map is larger than the fine
            one, or when `kernel_size` is `None` and no ratio is known.

    Example:

    ```python
    layer = keras_rsseg.layers.ImprovedFlowWarp()
    # A region of 7x7 pixels, as the ratio is 4.
    fine, coarse = np.ones((1, 64, 48, 18)), np.ones((1, 16, 12, 18))
    layer(fine, coarse).shape  # (1, 64, 48, 18)
    ```

    Reference:
        - [Zhang et al., Improved-Flow Warp Module for Remote Sensing
          Semantic Segmentation, 2022](https://arxiv.org/abs/2205.04160)
    """

    def __init__(
        self,
        flow: FlowJoin = "add",
        kernel_size: int | None = None,
        fine_kernel_size: int = 1,
        add_fine: bool = True,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_choice("flow", flow, get_args(FlowJoin))
        if kernel_size is not None:
            check_kernel_size("kernel_size", kernel_size)
        check_kernel_size("fine_kernel_size", fine_kernel_size)
        self.flow = flow
        self.kernel_size = kernel_size
        self.fine_kernel_size = fine_kernel_size
        self.add_fine = add_fine
        self.data_format = standardize_data_format(data_format)

    def build(self, fine_shape: Shape, coarse_shape: Shape) -> None:
        check_same_channels(fine_shape, coarse_shape, self.data_format)
        kernel_size = self.kernel_size
        if kernel_size is None:
            first = first_spatial_axis(self.data_format)
            sizes = slice(first, first + 2)
            kernel_size = _region_size(fine_shape[sizes], coarse_shape[sizes])
        self.flow_conv = FlowConv(
            kernel_size=kernel_size,
            join=self.flow,
            fine_kernel_size=self.fine_kernel_size,
            zero_start=True,
            data_format=self.data_format,
            dtype="float32",
            name="flow_conv",
        )
        self.flow_conv.build(fine_shape, coarse_shape)

    def call(self, fine: Tensor, coarse: Tensor) -> Tensor:
        flow = self.flow_conv(fine, coarse)
        warped = flow_warp(coarse, flow, data_format=self.data_format)
        return ops.add(fine, warped) if self.add_fine else warped

    def compute_output_shape(
        self, fine_shape: Shape, coarse_shape: Shape
    ) -> Shape:
        return tuple(fine_shape)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "flow": self.flow,
                "kernel_size": self.kernel_size,
                "fine_kernel_size": self.fine_kernel_size,
                "add_fine": self.add_fine,
                "data_format": self.data_format,
            }
        )
        return config


def _region_size(fine_size, coarse_size):
    """Return `2 * r - 1` for the ratio r nearest to that of two sizes."""
    ratios = [
        length / coarse_length
        for length, coarse_length in zip(fine_size, coarse_size, strict=True)
        if length and coarse_length
    ]
    # Sizes halved and rounded up have too small a ratio, never too large.
    ratio = 2 ** round(math.log2(max(ratios))) if ratios else None
    if ratio not in (2, 4, 8):
        raise ArgumentError(
            "`kernel_size=None` needs a `fine` map that is known to be about "
            "2, 4 or 8 times as large as `coarse`; set `kernel_size` to "
            "2 * ratio - 1. Received (height, width): "
            f"fine {tuple(fine_size)}, coarse {tuple(coarse_size)}"
        )
    return 2 * ratio - 1
