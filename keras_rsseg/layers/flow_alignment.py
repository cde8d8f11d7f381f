"""SFNet's module: a coarse map warped to the size of a fine one."""

from typing import Any

import keras
from keras import ops

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_positive
from keras_rsseg.layers.fine_and_coarse import check_same_channels
from keras_rsseg.layers.flow_conv import FlowConv
from keras_rsseg.layers.initial_kernels import torch_default_initializer
from keras_rsseg.ops.data_format import ANY_SHAPE
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.ops.flow_warp import flow_warp
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class FlowAlignment(keras.layers.Layer):
    """FAM: brings a coarse map to the size of a fine one along a flow.

    Both maps are reduced by 1x1 convolutions, and a 3x3 convolution of the
    two makes a flow that warps the coarse map, see
    `keras_rsseg.ops.flow_warp`. The fine map only guides the flow; the
    caller adds it. Version 2 (SFNet-Lite) also warps the fine map and mixes
    both with a gate: `gate * warped coarse + (1 - gate) * warped fine`.

    Maps of any size can be joined; their corners are aligned. Flow, gate and
    coordinates are float32 even under mixed precision.

    Args:
        reduced_dim: int. Channels of the reduced maps. Defaults to `None`,
            half the channels of the maps.
        version: `1` or `2`. Defaults to `1`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        fine: float tensor `(batch, H, W, channels)`; channels second for
            `"channels_first"`. Heights and widths can be unknown and odd.
        coarse: float tensor `(batch, h, w, channels)` with `h <= H`,
            `w <= W`.

    Returns:
        Tensor like `fine`: the warped map. Values from outside a map are
        zero.

    Raises:
        ArgumentError: when an argument is not one of the above, when the maps
            differ in channels, or when the coarse map is larger than the
            fine one.

    Example:

    ```python
    layer = keras_rsseg.layers.FlowAlignment()
    fine, coarse = np.ones((1, 64, 48, 16)), np.ones((1, 32, 24, 16))
    fused = keras.ops.add(fine, layer(fine, coarse))
    fused.shape  # (1, 64, 48, 16)
    ```

    Reference:
        - [Li et al., SFNet, 2020](https://arxiv.org/abs/2002.10120)
        - [Li et al., SFNet-Lite, 2022](https://arxiv.org/abs/2207.04415)
          (version 2)
    """

    def __init__(
        self,
        reduced_dim: int | None = None,
        version: int = 1,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if reduced_dim is not None:
            check_positive("reduced_dim", reduced_dim)
        check_choice("version", version, (1, 2))
        self.reduced_dim = reduced_dim
        self.version = version
        self.data_format = standardize_data_format(data_format)

        # === Layers ===
        self.flow_conv = self._flow_conv(2 * version, "flow_conv")
        if version == 2:
            self.gate_conv = self._flow_conv(1, "gate_conv")

    def _reduce(self, filters, name):
        return keras.layers.Conv2D(
            filters,
            1,
            use_bias=False,
            # torch's default, with which SFNet was trained.
            kernel_initializer=torch_default_initializer(),
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=name,
        )

    def _flow_conv(self, filters, name):
        return FlowConv(
            filters,
            use_bias=False,
            data_format=self.data_format,
            dtype="float32",
            name=name,
        )

    def build(self, fine_shape: Shape, coarse_shape: Shape) -> None:
        check_same_channels(fine_shape, coarse_shape, self.data_format)
        channels = fine_shape[channel_axis(self.data_format)]
        filters = self.reduced_dim or max(channels // 2, 1)
        self.reduce_fine = self._reduce(filters, "reduce_fine")
        self.reduce_fine.build(fine_shape)
        self.reduce_coarse = self._reduce(filters, "reduce_coarse")
        self.reduce_coarse.build(coarse_shape)
        reduced_shape = with_channels(ANY_SHAPE, filters, self.data_format)
        self.flow_conv.build(reduced_shape, reduced_shape)
        if self.version == 2:
            self.gate_conv.build(reduced_shape, reduced_shape)

    def call(self, fine: Tensor, coarse: Tensor) -> Tensor:
        reduced = self.reduce_fine(fine), self.reduce_coarse(coarse)
        flow = self.flow_conv(*reduced)
        if self.version == 1:
            return self._warp(coarse, flow)
        axis = channel_axis(self.data_format)
        coarse_flow, fine_flow = ops.split(flow, 2, axis=axis)
        gate = ops.cast(ops.sigmoid(self.gate_conv(*reduced)), fine.dtype)
        coarse = self._warp(coarse, coarse_flow)
        return coarse * gate + self._warp(fine, fine_flow) * (1 - gate)

    def _warp(self, features, flow):
        return flow_warp(features, flow, data_format=self.data_format)

    def compute_output_shape(
        self, fine_shape: Shape, coarse_shape: Shape
    ) -> Shape:
        return tuple(fine_shape)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "reduced_dim": self.reduced_dim,
                "version": self.version,
                "data_format": self.data_format,
            }
        )
        return config
