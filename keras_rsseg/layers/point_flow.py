import collections

import keras
from keras import ops

from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.adaptive_pool import adaptive_average_pool
from keras_rsseg.ops.adaptive_pool import adaptive_max_pool
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.points import gather_points
from keras_rsseg.ops.points import sample_points
from keras_rsseg.ops.points import scatter_points
from keras_rsseg.ops.resize import resize

FlowPoints = collections.namedtuple(
    "FlowPoints",
    [
        "saliency",
        "boundary_logits",
        "boundary_coarse",
        "boundary_fine",
        "salient_coarse",
        "salient_fine",
    ],
)
FlowPoints.__doc__ = """The points through which semantics flow.

Fields:
    saliency: `(batch, h, w, 1)` float32, in (0, 1). One channel first for
        `"channels_first"`, as the boundary logits.
    boundary_logits: `(batch, h, w, 1)`.
    boundary_coarse: `(batch, K)` int32, `row * w + column` in the coarse map.
    boundary_fine: `(batch, K)` int32, `row * W + column` in the fine map.
    salient_coarse: `(batch, max_pool_size**2)` int32, as above. A point may
        occur more than once.
    salient_fine: `(batch, max_pool_size**2)` int32, as above.
"""


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PointFlow(keras.layers.Layer):
    """Lets semantics flow from a coarse to a fine map through a few points.

    The layer selects points of the coarse map and replaces the matching
    points of the fine map; the rest of the fine map passes unchanged.

    - *Saliency*: both maps are reduced to `match_dim` channels; a
      convolution over them gives one map in (0, 1).
    - *Salient points*: the maximum of the saliency in each cell of a
      `max_pool_size x max_pool_size` grid. Where the maps are smaller than
      the grid, or their size is no multiple of it, points occur repeatedly.
    - *Boundary points*: the `num_boundary_points` (at most all pixels) with
      the largest boundary logits. These come from the coarse map after its
      averaged saliency is taken away, and are a second output to be trained
      with a boundary loss.
    - *Flow*, for each of the two sets: `softmax(fine coarse^T) coarse +
      fine`, an attention of the fine points to all coarse points of the set,
      without scaling. Where both sets want a pixel, the salient one wins.

    This follows the released code, which checkpoints need. So a boundary
    point reads the fine map bilinearly at its centre but writes the pixel at
    its top left corner, and where the fine map is not exactly twice as high
    as the coarse one, columns drift: the flat fine index is
    `trunc(column * r + row * r * W)` with `r = H / h`. Of salient points that
    fall on one pixel, one gets the gradient (released code: each of them).

    Saliency, coordinates, affinity and softmax are float32 under mixed
    precision too: the affinity of two 256-channel points reaches thousands.

    Args:
        match_dim: int. Channels of the reduced maps. Defaults to `64`.
        max_pool_size: int. Grid of the salient points. Defaults to `14`. It
            has no parameters: it may differ between training and inference.
        avg_pool_size: int. Grid over which the saliency is averaged for the
            boundary branch. Defaults to `9`.
        num_boundary_points: int. Defaults to `128`.
        matcher_kernel_size: odd int. Kernel of the saliency convolution.
            Defaults to `3`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        fine: float tensor `(batch, H, W, channels)`; channels second for
            `"channels_first"`. Heights and widths may be unknown and odd.
        coarse: float tensor `(batch, h, w, channels)` with `h <= H`,
            `w <= W`.

    Returns:
        A tuple of the fine map with its points replaced, `(batch, H, W,
        channels)`, and the boundary logits, `(batch, h, w, 1)`.

    Raises:
        ValueError: when an argument is out of range, when the maps differ in
            channels, or when the coarse map is larger than the fine one.

    Example:

    ```python
    layer = keras_rsseg.layers.PointFlow()
    fine, coarse = np.ones((2, 64, 48, 256)), np.ones((2, 32, 24, 256))
    fine, boundary_logits = layer(fine, coarse)
    points = layer.select_points(fine, coarse)
    points.salient_fine.shape  # (2, 196)
    ```

    Reference:
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564),
          equations 3 to 6
    """

    def __init__(
        self,
        match_dim=64,
        max_pool_size=14,
        avg_pool_size=9,
        num_boundary_points=128,
        matcher_kernel_size=3,
        data_format=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.match_dim = match_dim
        self.max_pool_size = max_pool_size
        self.avg_pool_size = avg_pool_size
        self.num_boundary_points = num_boundary_points
        self.matcher_kernel_size = matcher_kernel_size
        for name, value in self._arguments().items():
            if int(value) != value or value < 1:
                raise ValueError(
                    f"`{name}` must be a positive integer. "
                    f"Received: {name}={value}"
                )
        if matcher_kernel_size % 2 == 0:
            raise ValueError(
                "`matcher_kernel_size` must be odd. "
                f"Received: matcher_kernel_size={matcher_kernel_size}"
            )
        self.data_format = standardize_data_format(data_format)

        # === Layers ===
        self.reduce_fine = self._conv(match_dim, 1, "reduce_fine")
        self.reduce_coarse = self._conv(match_dim, 1, "reduce_coarse")
        self.match_conv = self._conv(1, matcher_kernel_size, "match_conv")
        self.boundary_conv = None  # As many filters as the maps' channels.
        self.boundary_logits = self._conv(
            1, 3, "boundary_logits", use_bias=False
        )

    def _conv(self, filters, kernel_size, name, use_bias=True):
        return keras.layers.Conv2D(
            filters,
            kernel_size,
            padding="same",
            use_bias=use_bias,
            # torch's default, which PFNet was trained from.
            kernel_initializer=keras.initializers.VarianceScaling(
                1 / 3, mode="fan_in", distribution="uniform"
            ),
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, fine_shape, coarse_shape):
        axis = channel_axis(self.data_format)
        channels = fine_shape[axis]
        if channels is None or channels != coarse_shape[axis]:
            raise ValueError(
                "`fine` and `coarse` must have the same, known number of "
                f"channels. Received: {fine_shape}, {coarse_shape}"
            )
        self.boundary_conv = ConvBNReLU(
            channels,
            3,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name="boundary_conv",
        )
        self.reduce_fine.build(fine_shape)
        self.reduce_coarse.build(coarse_shape)
        reduced_shape = list(coarse_shape)
        reduced_shape[axis] = 2 * self.match_dim
        self.match_conv.build(tuple(reduced_shape))
        self.boundary_conv.build(coarse_shape)
        self.boundary_logits.build(coarse_shape)

    def call(self, fine, coarse, training=None):
        points = self.select_points(fine, coarse, training=training)
        values = ops.concatenate(
            [
                self._boundary_values(fine, coarse, points),
                self._salient_values(fine, coarse, points),
            ],
            axis=1,
        )
        # The last of equal points is written, hence the salient ones last.
        indices = ops.concatenate(
            [points.boundary_fine, points.salient_fine], axis=1
        )
        fine = scatter_points(
            fine,
            indices,
            ops.cast(values, fine.dtype),
            data_format=self.data_format,
        )
        return fine, points.boundary_logits

    def select_points(self, fine, coarse, training=None):
        """Select the points of a pair of maps, as `call()` does.

        Args:
            fine: as for `call()`.
            coarse: as for `call()`.
            training: bool. Whether batch normalization uses the batch.

        Returns:
            A `FlowPoints` named tuple.
        """
        fine = ops.convert_to_tensor(fine, dtype=self.compute_dtype)
        coarse = ops.convert_to_tensor(coarse, dtype=self.compute_dtype)
        if not self.built:
            self.build(tuple(fine.shape), tuple(coarse.shape))
        self._check_sizes(fine, coarse)
        saliency = self._saliency(fine, coarse)
        boundary_logits = self._boundary(coarse, saliency, training)
        boundary_coarse = self._largest(boundary_logits)
        _, salient_coarse = adaptive_max_pool(
            ops.stop_gradient(saliency),
            self.max_pool_size,
            return_indices=True,
            data_format=self.data_format,
        )
        salient_coarse = ops.reshape(
            salient_coarse, (-1, self.max_pool_size**2)
        )
        return FlowPoints(
            saliency=saliency,
            boundary_logits=boundary_logits,
            boundary_coarse=boundary_coarse,
            boundary_fine=self._fine_indices(boundary_coarse, fine, coarse),
            salient_coarse=salient_coarse,
            salient_fine=self._fine_indices(salient_coarse, fine, coarse),
        )

    def _saliency(self, fine, coarse):
        """Equation 3, `(batch, h, w, 1)` float32."""
        reduced_fine = self._resize(self.reduce_fine(fine), self._size(coarse))
        # Coarse first: the order of the released kernels.
        reduced = ops.concatenate(
            [self.reduce_coarse(coarse), reduced_fine],
            axis=channel_axis(self.data_format),
        )
        return ops.sigmoid(ops.cast(self.match_conv(reduced), "float32"))

    def _boundary(self, coarse, saliency, training):
        """Boundary logits: what is left when the salient inside is gone."""
        average = adaptive_average_pool(
            saliency, self.avg_pool_size, data_format=self.data_format
        )
        average = self._resize(average, self._size(coarse))
        outline = coarse - coarse * ops.cast(average, coarse.dtype)
        return self.boundary_logits(
            self.boundary_conv(outline, training=training)
        )

    def _largest(self, boundary_logits):
        """Flat indices of the boundary points, `(batch, K)` int32."""
        height, width = self._size(boundary_logits)
        logits = ops.reshape(
            ops.stop_gradient(boundary_logits), (-1, height * width)
        )
        number = self.num_boundary_points
        if isinstance(height * width, int):
            number = min(number, height * width)
        else:
            number = ops.minimum(number, height * width)
        _, indices = ops.top_k(ops.cast(logits, "float32"), number)
        return ops.cast(indices, "int32")

    def _fine_indices(self, indices, fine, coarse):
        """Flat coarse indices to flat fine ones, rounded as released."""
        (height, width), (h, w) = self._size(fine), self._size(coarse)
        row, column = indices // w, indices % w
        height, width, h, w = (
            ops.cast(n, "float32") for n in (height, width, h, w)
        )
        ratio = height / h
        # Each product must be rounded by itself; none reaches its bound. The
        # inner bound keeps XLA from merging the two factors (measured: 14 of
        # 21952 points of odd maps moved), the outer ones would keep a
        # compiler from fusing a product into the sum.
        column = ops.minimum(ops.cast(column, "float32") * ratio, height * w)
        row = ops.minimum(ops.cast(row, "float32") * ratio, height)
        flat = column + ops.minimum(row * width, height * width)
        return ops.cast(flat, "int32")

    def _boundary_values(self, fine, coarse, points):
        """The boundary points of the fine map after the flow."""
        h, w = self._size(coarse)
        indices = points.boundary_coarse
        x = (ops.cast(indices % w, "float32") + 0.5) / ops.cast(w, "float32")
        y = (ops.cast(indices // w, "float32") + 0.5) / ops.cast(h, "float32")
        fine_points = sample_points(
            fine, ops.stack([x, y], axis=-1), data_format=self.data_format
        )
        return self._flow(fine_points, self._gather(coarse, indices))

    def _salient_values(self, fine, coarse, points):
        """The salient points of the fine map after the flow."""
        indices = points.salient_coarse
        # The pooled maxima again, this time with their gradient.
        maxima = self._gather(points.saliency, indices)
        shape = [-1, self.max_pool_size, self.max_pool_size]
        shape.insert(channel_axis(self.data_format) % 4, 1)
        maxima = self._resize(ops.reshape(maxima, shape), self._size(coarse))
        boost = self._gather(maxima, indices)
        coarse_points = self._gather(coarse, indices)
        return self._flow(
            self._gather(fine, points.salient_fine),
            coarse_points + coarse_points * boost,
        )

    def _flow(self, fine_points, coarse_points):
        """Equation 6, `(batch, K, channels)` float32."""
        fine_points = ops.cast(fine_points, "float32")
        affinity = ops.einsum("bpc,bqc->bpq", fine_points, coarse_points)
        if affinity.shape[-1] == 1:
            # Keras warns of a softmax over one value.
            flow = ops.ones_like(affinity)
        else:
            flow = ops.softmax(affinity, axis=-1)
        return ops.einsum("bpq,bqc->bpc", flow, coarse_points) + fine_points

    def _gather(self, features, indices):
        points = gather_points(features, indices, data_format=self.data_format)
        return ops.cast(points, "float32")

    def _resize(self, features, size):
        return resize(
            features, size, align_corners=True, data_format=self.data_format
        )

    def _size(self, features):
        return spatial_size(features, self.data_format)

    def _check_sizes(self, fine, coarse):
        for length, coarse_length in zip(
            self._size(fine), self._size(coarse), strict=True
        ):
            known = isinstance(length, int) and isinstance(coarse_length, int)
            if known and coarse_length > length:
                raise ValueError(
                    "`coarse` must not be larger than `fine`: a layer that "
                    "joins two maps is called `layer(fine, coarse)`. "
                    f"Received: fine.shape={tuple(fine.shape)}, "
                    f"coarse.shape={tuple(coarse.shape)}"
                )

    def compute_output_shape(self, fine_shape, coarse_shape):
        boundary_shape = list(coarse_shape)
        boundary_shape[channel_axis(self.data_format)] = 1
        return tuple(fine_shape), tuple(boundary_shape)

    def _arguments(self):
        return {
            "match_dim": self.match_dim,
            "max_pool_size": self.max_pool_size,
            "avg_pool_size": self.avg_pool_size,
            "num_boundary_points": self.num_boundary_points,
            "matcher_kernel_size": self.matcher_kernel_size,
        }

    def get_config(self):
        config = super().get_config()
        config.update({**self._arguments(), "data_format": self.data_format})
        return config
