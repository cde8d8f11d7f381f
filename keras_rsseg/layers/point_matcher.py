"""The points of a coarse map and their positions in a fine one."""

from collections.abc import Iterable
from typing import Any
from typing import Literal
from typing import NamedTuple
from typing import TypeAlias
from typing import get_args

import keras
import numpy as np
from keras import ops

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_positive
from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.conv2d import SameConv2D
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.fine_and_coarse import check_fine_and_coarse
from keras_rsseg.layers.fine_and_coarse import check_kernel_size
from keras_rsseg.layers.fine_and_coarse import check_same_channels
from keras_rsseg.layers.initial_kernels import torch_default_initializer
from keras_rsseg.ops import point_selection
from keras_rsseg.ops.adaptive_pool import adaptive_average_pool
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.ops.portable import is_portable
from keras_rsseg.ops.resize import resize
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


class FlowPoints(NamedTuple):
    """The points through which semantics flow.

    Attributes:
        saliency: `(batch, h, w, 1)` float32, in (0, 1). Channels second for
            `"channels_first"`, like the boundary logits. `None` if the layer
            does not need it.
        boundary_logits: `(batch, h, w, 1)`, or `None` if no boundary points
            flow.
        boundary_coarse: `(batch, K)` int32, `row * w + column` in the coarse
            map. `K` is 0 if no boundary points flow, and likewise for salient
            points.
        boundary_fine: `(batch, K)` int32, `row * W + column` in the fine map.
        salient_coarse: `(batch, max_pool_size**2)` int32, as above. A point
            can occur more than once, except with
            `salient_sampler="attention"`, which takes at most all pixels.
        salient_fine: like `salient_coarse`, in the fine map.

    Example:

    ```python
    layer = keras_rsseg.layers.PointFlow(max_pool_size=2)
    fine, coarse = np.ones((1, 16, 16, 8)), np.ones((1, 8, 8, 8))
    points = layer.select_points(fine, coarse)
    points.salient_coarse.shape  # (1, 4)
    ```
    """

    saliency: Tensor | None
    boundary_logits: Tensor | None
    boundary_coarse: Tensor
    boundary_fine: Tensor
    salient_coarse: Tensor
    salient_fine: Tensor


Flow: TypeAlias = Literal["salient", "boundary"]
SalientSampler: TypeAlias = Literal["max_pool", "attention", "random"]
BoundaryFrom: TypeAlias = Literal["subtraction", "addition", "direct"]
PointSampling: TypeAlias = Literal["released", "bilinear"]
SaliencyFrom: TypeAlias = Literal["reduced", "raw"]

FLOWS: tuple[Flow, ...] = get_args(Flow)
_CHOICES = {
    "salient_sampler": SalientSampler,
    "boundary_from": BoundaryFrom,
    "point_sampling": PointSampling,
    "saliency_from": SaliencyFrom,
}
_NUMBERS = (
    "match_dim",
    "max_pool_size",
    "avg_pool_size",
    "num_boundary_points",
    "matcher_kernel_size",
)


class PointMatcher(keras.layers.Layer):
    """Chooses the points of a coarse map and finds them in a fine one.

    The base of `keras_rsseg.layers.PointFlow`, where the arguments are
    described. A subclass defines in `call(fine, coarse)` what to do with the
    points.
    """

    def __init__(
        self,
        match_dim: int = 64,
        max_pool_size: int = 14,
        avg_pool_size: int = 9,
        num_boundary_points: int = 128,
        matcher_kernel_size: int = 3,
        flows: Flow | Iterable[Flow] = FLOWS,
        salient_sampler: SalientSampler = "max_pool",
        boundary_from: BoundaryFrom = "subtraction",
        point_sampling: PointSampling = "released",
        saliency_from: SaliencyFrom = "reduced",
        seed: int = 0,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.match_dim = match_dim
        self.max_pool_size = max_pool_size
        self.avg_pool_size = avg_pool_size
        self.num_boundary_points = num_boundary_points
        self.matcher_kernel_size = matcher_kernel_size
        self.flows = standardize_flows(flows)
        self.salient_sampler = salient_sampler
        self.boundary_from = boundary_from
        self.point_sampling = point_sampling
        self.saliency_from = saliency_from
        self.seed = seed
        self.data_format = standardize_data_format(data_format)
        self._check_arguments()
        self._make_layers()

    def _make_layers(self):
        # === Layers ===
        # `None` for layers that the arguments make unnecessary.
        self.reduce_fine: Any = None
        self.reduce_coarse: Any = None
        self.match_conv: Any = None
        self.boundary_logits: Any = None
        if self._has_saliency and self.saliency_from == "reduced":
            self.reduce_fine = self._conv(self.match_dim, 1, "reduce_fine")
            self.reduce_coarse = self._conv(self.match_dim, 1, "reduce_coarse")
        if self._has_saliency:
            self.match_conv = self._conv(
                1, self.matcher_kernel_size, "match_conv"
            )
        if "boundary" in self.flows:
            self.boundary_logits = self._conv(
                1, 3, "boundary_logits", use_bias=False
            )
        if self._is_random:
            self.seed_generator = keras.random.SeedGenerator(self.seed)

    @property
    def _has_saliency(self):
        return "salient" in self.flows or self.boundary_from != "direct"

    @property
    def _is_random(self):
        return "salient" in self.flows and self.salient_sampler == "random"

    def _conv(self, filters, kernel_size, name, use_bias=True):
        return SameConv2D(
            filters,
            kernel_size,
            use_bias=use_bias,
            # torch's default, with which PFNet was trained.
            kernel_initializer=torch_default_initializer(),
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, fine_shape: Shape, coarse_shape: Shape) -> None:
        check_same_channels(fine_shape, coarse_shape, self.data_format)
        channels = fine_shape[channel_axis(self.data_format)]
        matched = 2 * channels
        if self.reduce_fine is not None:
            self.reduce_fine.build(fine_shape)
            self.reduce_coarse.build(coarse_shape)
            matched = 2 * self.match_dim
        if self.match_conv is not None:
            self.match_conv.build(
                with_channels(coarse_shape, matched, self.data_format)
            )
        if self.boundary_logits is not None:
            self.boundary_conv = ConvBNReLU(
                channels,
                3,
                data_format=self.data_format,
                dtype=self.dtype_policy,
                name="boundary_conv",
            )
            self.boundary_conv.build(coarse_shape)
            self.boundary_logits.build(coarse_shape)

    def select_points(
        self, fine: Tensor, coarse: Tensor, training: bool | None = None
    ) -> FlowPoints:
        """Select the points of a pair of maps, as `call()` does.

        Args:
            fine: as for `call()`.
            coarse: as for `call()`.
            training: bool. Whether batch normalization uses the batch
                statistics, and random points are drawn anew at each call.

        Returns:
            A `FlowPoints` named tuple.
        """
        fine = ops.convert_to_tensor(fine, dtype=self.compute_dtype)
        coarse = ops.convert_to_tensor(coarse, dtype=self.compute_dtype)
        if not self.built:
            self.build(tuple(fine.shape), tuple(coarse.shape))
        check_fine_and_coarse(fine, coarse, self.data_format)
        none = ops.zeros((ops.shape(coarse)[0], 0), dtype="int32")
        points = dict.fromkeys(FlowPoints._fields, none)
        points["saliency"] = points["boundary_logits"] = None
        if self._has_saliency:
            points["saliency"] = self._saliency(fine, coarse)
        if "boundary" in self.flows:
            logits = self._boundary(coarse, points["saliency"], training)
            indices = point_selection.largest_points(
                logits, self.num_boundary_points, self.data_format
            )
            points["boundary_logits"] = logits
            points["boundary_coarse"] = indices
            points["boundary_fine"] = self._match(indices, fine, coarse)
        if "salient" in self.flows:
            indices = self._salient(points["saliency"], training)
            points["salient_coarse"] = indices
            points["salient_fine"] = self._match(indices, fine, coarse)
        return FlowPoints(**points)

    def _saliency(self, fine, coarse):
        """Equation 3, `(batch, h, w, 1)` float32."""
        size = self._size(coarse)
        if self.reduce_fine is not None:
            fine, coarse = self.reduce_fine(fine), self.reduce_coarse(coarse)
        # Coarse first: the order of the released kernels.
        maps = ops.concatenate(
            [coarse, self._resize(fine, size)],
            axis=channel_axis(self.data_format),
        )
        return _sigmoid(ops.cast(self.match_conv(maps), "float32"))

    def _boundary(self, coarse, saliency, training):
        """Boundary logits: what is left without the salient interior."""
        outline = coarse
        if self.boundary_from != "direct":
            average = adaptive_average_pool(
                saliency, self.avg_pool_size, data_format=self.data_format
            )
            average = self._resize(average, self._size(coarse))
            inside = coarse * ops.cast(average, coarse.dtype)
            if self.boundary_from == "subtraction":
                outline = coarse - inside
            else:
                outline = coarse + inside
        return self.boundary_logits(
            self.boundary_conv(outline, training=training)
        )

    def _salient(self, saliency, training):
        """Flat indices of the salient points, `(batch, K)` int32."""
        if self.salient_sampler == "max_pool":
            return point_selection.maximum_points(
                saliency, self.max_pool_size, self.data_format
            )
        if self.salient_sampler == "attention":
            return point_selection.largest_points(
                saliency, self.max_pool_size**2, self.data_format
            )
        shape = (ops.shape(saliency)[0], self.max_pool_size**2, 2)
        if training:
            fractions = keras.random.uniform(
                shape, dtype="float32", seed=self.seed_generator
            )
        else:
            rng = np.random.default_rng(self.seed)
            fractions = rng.random(shape[1:], dtype="float32")
            fractions = ops.broadcast_to(fractions, shape)
        return point_selection.random_points(
            fractions, self.max_pool_size, self._size(saliency)
        )

    def _match(self, indices, fine, coarse):
        """Converts flat coarse indices to flat fine ones."""
        if self.point_sampling == "released":
            match = point_selection.released_fine_points
        else:
            match = point_selection.nearest_fine_points
        return match(indices, self._size(fine), self._size(coarse))

    def _resize(self, features, size):
        return resize(
            features, size, align_corners=True, data_format=self.data_format
        )

    def _size(self, features):
        return spatial_size(features, self.data_format)

    def _check_arguments(self):
        for name in _NUMBERS:
            check_positive(name, getattr(self, name))
        check_kernel_size("matcher_kernel_size", self.matcher_kernel_size)
        for name, choices in _CHOICES.items():
            check_choice(name, getattr(self, name), get_args(choices))

    def get_config(self) -> Config:
        config = super().get_config()
        names = (*_NUMBERS, "flows", *_CHOICES, "seed", "data_format")
        config.update({name: getattr(self, name) for name in names})
        return config


# e to it is far below the last bit of 1.
_SMALLEST_EXPONENT = -80.0


def _sigmoid(x):
    """A sigmoid exact to the last bit, as it decides which point is chosen."""
    if not is_portable():
        return ops.sigmoid(x)
    # Runtimes have their own approximations: onnxruntime's is 0 for all
    # values below -18, which would make the first in a cell its largest, and
    # is not always increasing above 16. Exponentials round nearly alike. The
    # bound changes nothing, but without it LiteRT's converter recognises a
    # sigmoid and uses LiteRT's.
    return 1.0 / (1.0 + ops.exp(ops.maximum(-x, _SMALLEST_EXPONENT)))


def standardize_flows(flows: Flow | Iterable[Flow]) -> tuple[Flow, ...]:
    """Sorts the flows; raises an `ArgumentError` for unknown ones."""
    flows = (flows,) if isinstance(flows, str) else tuple(flows)
    if not flows or set(flows) - set(FLOWS):
        raise ArgumentError(
            f"`flows` must be one or both of {FLOWS}. Received: flows={flows!r}"
        )
    return tuple(flow for flow in FLOWS if flow in flows)
