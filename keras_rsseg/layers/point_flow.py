"""PFNet's module: semantics flow through a few points."""

import keras
from keras import ops

from keras_rsseg.layers.point_matcher import PointMatcher
from keras_rsseg.ops import point_selection
from keras_rsseg.ops.adaptive_pool import adaptive_max_pool
from keras_rsseg.ops.attention import attend
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.ops.points import gather_points
from keras_rsseg.ops.points import sample_points
from keras_rsseg.ops.points import scatter_points
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PointFlow(PointMatcher):
    """Lets semantics flow from a coarse to a fine map through a few points.

    The layer selects points of the coarse map and replaces the matching
    points of the fine map; the rest of the fine map passes unchanged.

    - *Saliency*: both maps are reduced to `match_dim` channels; a
      convolution over them gives one map in (0, 1).
    - *Salient points*: the maximum of the saliency in each cell of a
      `max_pool_size x max_pool_size` grid. If the maps are smaller than the
      grid, or their size is not a multiple of it, points occur repeatedly.
    - *Boundary points*: the `num_boundary_points` (at most all pixels) with
      the largest boundary logits. These come from the coarse map after its
      averaged saliency is subtracted, and are a second output, to be trained
      with a boundary loss.
    - *Flow*, for each of the two sets: `softmax(fine coarse^T) coarse +
      fine`, unscaled attention of the fine points to all coarse points of the
      set. The salient points of the coarse map are raised by the pooled
      maxima of the saliency, whatever the sampler. If both sets contain a
      pixel, the salient point wins.

    This follows the released code, as checkpoints require. So a boundary
    point reads the fine map bilinearly at its centre but writes the pixel at
    its top left corner, and if the fine map is not exactly twice as high as
    the coarse one, columns drift (see
    `keras_rsseg.ops.point_selection.released_fine_points`). If several
    salient points fall on one pixel, only one gets the gradient (released
    code: each of them). The arguments from `flows` to `saliency_from` cover
    the comparisons in the paper's Table 2, and its text where the released
    code differs.

    Saliency, coordinates, affinity and softmax are float32 even under mixed
    precision: the affinity of two 256-channel points can reach thousands.

    Args:
        match_dim: int. Channels of the reduced maps. Defaults to `64`.
        max_pool_size: int. Grid of the salient points. Defaults to `14`. No
            weight depends on it: it can differ between training and inference.
        avg_pool_size: int. Grid over which the saliency is averaged for the
            boundary branch. Defaults to `9`.
        num_boundary_points: int. Defaults to `128`.
        matcher_kernel_size: odd int. Kernel of the saliency convolution.
            Defaults to `3`.
        flows: which of `"salient"` and `"boundary"` flow (Table 2a). Defaults
            to both. Parts that only the other one needs are not built.
        salient_sampler: how salient points are chosen (Table 2d):
            `"max_pool"`, as above; `"attention"`, the `max_pool_size**2`
            largest saliencies of the whole map; or `"random"`, a uniformly
            random pixel of each cell of the grid. Random points are drawn
            anew in each training step and for each image; in inference they
            are the same for every call, image and backend, so that maps are
            reproducible. Defaults to `"max_pool"`.
        boundary_from: what the boundary logits are computed from (Table 2f),
            for a coarse map `F` and its averaged saliency `A`:
            `"subtraction"`, `F - F A`; `"addition"`, `F + F A`; or
            `"direct"`, `F`. Defaults to `"subtraction"`.
        point_sampling: `"released"`, or `"bilinear"` as in the text: for both
            sets the maps are sampled bilinearly at the centres of the coarse
            points (which are pixels of the coarse map), and the fine pixel
            nearest to the centre is written. Columns do not drift. Defaults
            to `"released"`.
        saliency_from: `"reduced"`, or `"raw"` as in equation 3: the
            convolution takes both maps as they are, not reduced to
            `match_dim` channels. Defaults to `"reduced"`.
        seed: int. Seed of the random sampler. Defaults to `0`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        fine: float tensor `(batch, H, W, channels)`; channels second for
            `"channels_first"`. Heights and widths can be unknown and odd.
        coarse: float tensor `(batch, h, w, channels)` with `h <= H`,
            `w <= W`.

    Returns:
        A tuple of the fine map with its points replaced, `(batch, H, W,
        channels)`, and the boundary logits, `(batch, h, w, 1)`. With
        `flows=("salient",)`, only the fine map.

    Raises:
        ArgumentError: when an argument is out of range, when the maps differ in
            channels, or when the coarse map is larger than the fine one.

    Example:

    ```python
    layer = keras_rsseg.layers.PointFlow()
    fine, coarse = np.ones((2, 64, 48, 16)), np.ones((2, 32, 24, 16))
    fine, boundary_logits = layer(fine, coarse)
    boundary_logits.shape  # (2, 32, 24, 1)
    points = layer.select_points(fine, coarse)
    points.salient_fine.shape  # (2, 196)
    ```

    Reference:
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564),
          equations 3 to 6
    """

    def call(
        self, fine: Tensor, coarse: Tensor, training: bool | None = None
    ) -> Tensor | tuple[Tensor, Tensor]:
        points = self.select_points(fine, coarse, training=training)
        indices, values = [], []
        # The last of equal points is written, hence salient points come last.
        if "boundary" in self.flows:
            indices.append(points.boundary_fine)
            values.append(self._boundary_values(fine, coarse, points))
        if "salient" in self.flows:
            indices.append(points.salient_fine)
            values.append(self._salient_values(fine, coarse, points))
        fine = scatter_points(
            fine,
            ops.concatenate(indices, axis=1),
            ops.cast(ops.concatenate(values, axis=1), fine.dtype),
            data_format=self.data_format,
        )
        if "boundary" not in self.flows:
            return fine
        return fine, points.boundary_logits

    def _boundary_values(self, fine, coarse, points):
        """The boundary points of the fine map after the flow."""
        indices = points.boundary_coarse
        return self._flow(
            self._sample(fine, indices, coarse), self._gather(coarse, indices)
        )

    def _salient_values(self, fine, coarse, points):
        """The salient points of the fine map after the flow."""
        indices = points.salient_coarse
        if self.point_sampling == "released":
            fine_points = self._gather(fine, points.salient_fine)
        else:
            fine_points = self._sample(fine, indices, coarse)
        maxima = self._resize(self._maxima(points), self._size(coarse))
        boost = self._gather(maxima, indices)
        coarse_points = self._gather(coarse, indices)
        return self._flow(fine_points, coarse_points + coarse_points * boost)

    def _maxima(self, points):
        """Pooled maxima of the saliency, with their gradient."""
        if self.salient_sampler != "max_pool":
            return adaptive_max_pool(
                points.saliency,
                self.max_pool_size,
                data_format=self.data_format,
            )
        # Already known: the points are where the maxima are.
        maxima = self._gather(points.saliency, points.salient_coarse)
        shape = [-1, self.max_pool_size, self.max_pool_size]
        shape.insert(channel_axis(self.data_format) % 4, 1)
        return ops.reshape(maxima, shape)

    def _flow(self, fine_points, coarse_points):
        """Equation 6, `(batch, K, channels)` float32."""
        fine_points = ops.cast(fine_points, "float32")
        return attend(fine_points, coarse_points, coarse_points) + fine_points

    def _gather(self, features, indices):
        points = gather_points(features, indices, data_format=self.data_format)
        return ops.cast(points, "float32")

    def _sample(self, fine, indices, coarse):
        """The fine map at the centres of coarse points."""
        centres = point_selection.pixel_centres(indices, self._size(coarse))
        return sample_points(fine, centres, data_format=self.data_format)

    def compute_output_shape(
        self, fine_shape: Shape, coarse_shape: Shape
    ) -> Shape | tuple[Shape, Shape]:
        if "boundary" not in self.flows:
            return tuple(fine_shape)
        boundary_shape = with_channels(coarse_shape, 1, self.data_format)
        return tuple(fine_shape), boundary_shape
