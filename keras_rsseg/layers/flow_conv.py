"""The convolution that makes a flow from a fine and a coarse map."""

from typing import Any
from typing import Literal
from typing import TypeAlias
from typing import get_args

import keras
from keras import ops

from keras_rsseg.checks import check_choice
from keras_rsseg.layers.fine_and_coarse import check_fine_and_coarse
from keras_rsseg.layers.fine_and_coarse import check_kernel_size
from keras_rsseg.layers.initial_kernels import torch_default_initializer
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.ops.upsampled_conv import upsampled_conv
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor

FlowJoin: TypeAlias = Literal["concat", "add"]


@keras.saving.register_keras_serializable(package="keras_rsseg")
class FlowConv(keras.layers.Layer):
    """One convolution over a fine map and a coarse one, at the fine size.

    It makes the flow with which `FlowAlignment` and `ImprovedFlowWarp` warp
    the coarse map. The coarse map is first resized to the fine map's size,
    with corners aligned. A flow is a position, so the layer should be float32
    in a network of lower precision.

    Args:
        filters: int. Channels of the output. Defaults to `2`, a flow.
        kernel_size: odd int. Kernel on the coarse map, or with `"concat"`
            on both. Defaults to `3`.
        join: `"concat"`, one kernel on the channels of both maps, coarse
            first as in the released SFNet, or `"add"`, a kernel for each map
            and the sum of both results.
        fine_kernel_size: odd int. Kernel on the fine map with `"add"`; not
            used with `"concat"`. Defaults to `1`.
        use_bias: bool. Defaults to `True`.
        zero_start: bool. Whether weights start at zero, so that a warp with
            the result starts as a plain resize, or as in PyTorch's
            convolutions. Weights that start at zero can be missing from a
            file (that of a network that resizes), and are then set to zero.
            Defaults to `False`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        fine: float tensor `(batch, H, W, channels)`; channels second for
            `"channels_first"`.
        coarse: float tensor `(batch, h, w, channels)` with `h <= H`,
            `w <= W`.

    Returns:
        Tensor `(batch, H, W, filters)`.

    Raises:
        ArgumentError: when an argument is not one of the above, or when the
            coarse map is larger than the fine one.

    Example:

    ```python
    layer = keras_rsseg.layers.FlowConv(join="add", kernel_size=7)
    fine, coarse = np.ones((1, 32, 24, 8)), np.ones((1, 8, 6, 8))
    layer(fine, coarse).shape  # (1, 32, 24, 2)
    ```

    Reference:
        - [Li et al., SFNet, 2020](https://arxiv.org/abs/2002.10120)
        - [Zhang et al., Improved-Flow Warp Module, 2022](
          https://arxiv.org/abs/2205.04160)
    """

    def __init__(
        self,
        filters: int = 2,
        kernel_size: int = 3,
        join: FlowJoin = "concat",
        fine_kernel_size: int = 1,
        use_bias: bool = True,
        zero_start: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_choice("join", join, get_args(FlowJoin))
        check_kernel_size("kernel_size", kernel_size)
        check_kernel_size("fine_kernel_size", fine_kernel_size)
        self.filters = filters
        self.kernel_size = kernel_size
        self.join = join
        self.fine_kernel_size = fine_kernel_size
        self.use_bias = use_bias
        self.zero_start = zero_start
        self.data_format = standardize_data_format(data_format)
        self.bias = None

    def build(self, fine_shape: Shape, coarse_shape: Shape) -> None:
        axis = channel_axis(self.data_format)
        fine, coarse = fine_shape[axis], coarse_shape[axis]
        if self.join == "concat":
            self.kernel = self._add_kernel(
                "kernel", self.kernel_size, coarse + fine
            )
        else:
            self.kernel = self._add_kernel("kernel", self.kernel_size, coarse)
            self.fine_kernel = self._add_kernel(
                "fine_kernel", self.fine_kernel_size, fine
            )
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.filters,), initializer="zeros", name="bias"
            )

    def _add_kernel(self, name, size, channels):
        # torch's default, with which SFNet was trained.
        initializer = torch_default_initializer()
        return self.add_weight(
            shape=(size, size, channels, self.filters),
            initializer="zeros" if self.zero_start else initializer,
            name=name,
        )

    def call(self, fine: Tensor, coarse: Tensor) -> Tensor:
        check_fine_and_coarse(fine, coarse, self.data_format)
        axis = channel_axis(self.data_format)
        if self.join == "concat":
            fine_first = ops.roll(self.kernel, -coarse.shape[axis], axis=2)
            return self._conv([fine, coarse], fine_first, bias=self.bias)
        size = spatial_size(fine, self.data_format)
        x = self._conv([coarse], self.kernel, size)
        return x + self._conv([fine], self.fine_kernel, bias=self.bias)

    def _conv(self, maps, kernel, size=None, bias=None):
        return upsampled_conv(
            maps,
            kernel,
            size,
            align_corners=True,
            bias=bias,
            data_format=self.data_format,
        )

    def load_own_variables(self, store: Any) -> None:
        if not self.zero_start or store.keys():
            super().load_own_variables(store)
            return
        for variable in self.weights:
            variable.assign(ops.zeros(variable.shape, variable.dtype))

    def compute_output_shape(
        self, fine_shape: Shape, coarse_shape: Shape
    ) -> Shape:
        return with_channels(fine_shape, self.filters, self.data_format)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "filters": self.filters,
                "kernel_size": self.kernel_size,
                "join": self.join,
                "fine_kernel_size": self.fine_kernel_size,
                "use_bias": self.use_bias,
                "zero_start": self.zero_start,
                "data_format": self.data_format,
            }
        )
        return config
