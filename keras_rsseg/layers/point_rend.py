"""Logits refined at uncertain points (PointRend)."""

from typing import Any

import keras
from keras import ops

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_positive
from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.point_selection import largest_points
from keras_rsseg.ops.point_selection import pixel_centres
from keras_rsseg.ops.points import sample_points
from keras_rsseg.ops.points import scatter_points
from keras_rsseg.ops.resize import resize
from keras_rsseg.typing import Config
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor

# From stride 32 to the size of the tile.
_MOST_STEPS = 5


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PointRefinement(keras.layers.Layer):
    """Enlarges logits step by step, and classifies uncertain points again.

    A step doubles the map of logits (bilinear), takes the points whose best
    two classes are closest, samples the features and the input logits at
    the centres of these pixels (bilinear), and replaces the points' logits
    by the output of dense layers on both. Each of these layers gets the
    logits again.

    Called with `points`, as in training, it returns only the logits of these
    points.

    Args:
        num_classes: int.
        steps: int from 0 to 5. How often logits are doubled. Defaults to `2`.
        num_points: int. Points per step, or all if the map has fewer.
            Defaults to `8196`.
        filters: int. Channels of the hidden layers. Defaults to `256`.
        hidden_layers: int. Hidden layers with ReLU, before the classifying
            layer. Defaults to `3`.
        align_corners: bool. How logits are doubled, see
            `keras_rsseg.ops.resize`. Defaults to `False`.
        use_refined: bool. Whether points get the logits of the map that was
            just doubled, which earlier steps refined, in place of the input
            logits. Defaults to `False`; PFNet's released code has `True`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        logits: float tensor `(batch, h, w, num_classes)`, channels last.
        features: float tensor `(batch, height, width, channels)` of the same
            image, of any size, channels last.
        points: float tensor `(batch, K, 2)` of `(x, y)` as fractions of the
            image's width and height, or `None`.

    Returns:
        float32 logits `(batch, 2**steps * h, 2**steps * w, num_classes)`, or
        those of the points, `(batch, K, num_classes)`.

    Raises:
        ArgumentError: when a number is not a positive integer, or `steps` is
            above 5.

    Example:

    ```python
    layer = keras_rsseg.layers.PointRefinement(num_classes=5, num_points=50)
    logits, features = np.ones((1, 8, 6, 5)), np.ones((1, 16, 12, 32))
    layer(logits, features).shape  # (1, 32, 24, 5)
    centre = np.full((1, 1, 2), 0.5, "float32")
    layer(logits, features, centre).shape  # (1, 1, 5)
    ```

    Reference:
        - [Kirillov et al., PointRend: Image Segmentation as Rendering,
          2019](https://arxiv.org/abs/1912.08193)
    """

    def __init__(
        self,
        num_classes: int,
        steps: int = 2,
        num_points: int = 8196,
        filters: int = 256,
        hidden_layers: int = 3,
        align_corners: bool = False,
        use_refined: bool = False,
        **kwargs: Any,
    ):
        # Coordinates must not be cast to half precision.
        super().__init__(**{"autocast": False, **kwargs})
        self.num_classes = check_positive("num_classes", num_classes)
        check_choice("steps", steps, range(_MOST_STEPS + 1))
        self.steps = steps
        self.num_points = check_positive("num_points", num_points)
        self.filters = filters
        self.hidden_layers = hidden_layers
        self.align_corners = align_corners
        self.use_refined = use_refined
        self.dense = [
            self._dense(filters, f"hidden{index}", "relu")
            for index in range(1, hidden_layers + 1)
        ]
        self.dense.append(self._dense(num_classes, "output", None))

    def _dense(self, units, name, activation):
        return keras.layers.Dense(
            units, activation, dtype=self.dtype_policy, name=name
        )

    def build(
        self,
        logits_shape: Shape,
        features_shape: Shape,
        points_shape: Shape | None = None,
    ) -> None:
        channels = features_shape[-1]
        for layer in self.dense:
            layer.build((None, None, channels + self.num_classes))
            channels = layer.units

    def call(
        self, logits: Tensor, features: Tensor, points: Tensor | None = None
    ) -> Tensor:
        coarse = ops.cast(logits, "float32")
        if points is not None:
            return self._classify(coarse, features, points)
        refined = coarse
        for _ in range(self.steps):
            height, width = ops.shape(refined)[1:3]
            size = (2 * height, 2 * width)
            refined = resize(
                refined,
                size,
                align_corners=self.align_corners,
                data_format="channels_last",
            )
            indices = largest_points(
                uncertainty(refined)[..., None],
                self.num_points,
                data_format="channels_last",
            )
            centres = pixel_centres(indices, size)
            given = refined if self.use_refined else coarse
            refined = scatter_points(
                refined,
                indices,
                self._classify(given, features, centres),
                data_format="channels_last",
                unique=True,
            )
        return refined

    def _classify(self, coarse, features, points):
        coarse, x = (
            ops.cast(
                sample_points(y, points, data_format="channels_last"),
                self.compute_dtype,
            )
            for y in (coarse, features)
        )
        for layer in self.dense:
            x = layer(ops.concatenate([x, coarse], axis=-1))
        return ops.cast(x, "float32")

    def compute_output_spec(
        self,
        logits: keras.KerasTensor,
        features: keras.KerasTensor,
        points: keras.KerasTensor | None = None,
    ) -> keras.KerasTensor:
        shape = logits.shape
        if points is not None:
            shape = (*points.shape[:2], self.num_classes)
        else:
            size = [
                None if length is None else 2**self.steps * length
                for length in shape[1:3]
            ]
            shape = (shape[0], *size, self.num_classes)
        return keras.KerasTensor(shape, dtype="float32")

    def get_config(self) -> Config:
        config = super().get_config()
        for name in (
            "num_classes",
            "steps",
            "num_points",
            "filters",
            "hidden_layers",
            "align_corners",
            "use_refined",
        ):
            config[name] = getattr(self, name)
        return config


@keras.saving.register_keras_serializable(package="keras_rsseg")
class UncertainPoints(keras.layers.Layer):
    """Draws points, most of them where logits are uncertain, for training.

    Of `oversampling * num_points` uniformly random points, those whose best
    two classes are closest are kept; the other points are uniformly random.
    They are drawn anew at each call and have no gradient.

    Args:
        num_points: int. Defaults to `2048`.
        oversampling: int. Defaults to `3`.
        uncertain_share: float from 0 to 1. Share of the points that are
            chosen as uncertain. Defaults to `0.75`.
        seed: int. Defaults to `0`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        logits: float tensor `(batch, height, width, classes)`, channels last.

    Returns:
        float32 tensor `(batch, num_points, 2)` of `(x, y)` as fractions of
        the image's width and height.

    Raises:
        ArgumentError: when a number is not a positive integer, or the share
            is not from 0 to 1.

    Example:

    ```python
    layer = keras_rsseg.layers.UncertainPoints(num_points=100)
    layer(np.ones((2, 8, 6, 5), "float32")).shape  # (2, 100, 2)
    ```

    Reference:
        - [Kirillov et al., PointRend: Image Segmentation as Rendering,
          2019](https://arxiv.org/abs/1912.08193), section 3.1
    """

    def __init__(
        self,
        num_points: int = 2048,
        oversampling: int = 3,
        uncertain_share: float = 0.75,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**{"autocast": False, **kwargs})
        self.num_points = check_positive("num_points", num_points)
        self.oversampling = check_positive("oversampling", oversampling)
        if not 0 <= uncertain_share <= 1:
            raise ArgumentError(
                "`uncertain_share` must be from 0 to 1. Received: "
                f"uncertain_share={uncertain_share!r}"
            )
        self.uncertain_share = uncertain_share
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, logits_shape: Shape) -> None:
        pass

    def call(self, logits: Tensor) -> Tensor:
        logits = ops.cast(ops.stop_gradient(logits), "float32")
        batch = ops.shape(logits)[0]
        chosen = int(self.uncertain_share * self.num_points)
        uniform = self._draw(batch, self.num_points - chosen)
        if not chosen:
            return uniform
        points = self._draw(batch, self.oversampling * self.num_points)
        sampled = sample_points(logits, points, data_format="channels_last")
        _, indices = ops.top_k(uncertainty(sampled), chosen)
        both = ops.repeat(indices[..., None], 2, axis=-1)
        points = ops.take_along_axis(points, both, axis=1)
        return ops.concatenate([points, uniform], axis=1)

    def _draw(self, batch, number):
        return keras.random.uniform(
            (batch, number, 2), dtype="float32", seed=self.seed_generator
        )

    def compute_output_spec(
        self, logits: keras.KerasTensor
    ) -> keras.KerasTensor:
        return keras.KerasTensor(
            (logits.shape[0], self.num_points, 2), dtype="float32"
        )

    def get_config(self) -> Config:
        config = super().get_config()
        for name in ("num_points", "oversampling", "uncertain_share", "seed"):
            config[name] = getattr(self, name)
        return config


def uncertainty(logits: Tensor) -> Tensor:
    """Return how close the best two classes are: the second minus the first.

    Args:
        logits: float tensor `(..., classes)`.

    Returns:
        Tensor without the last axis, 0 or less.

    Example:

    ```python
    from keras_rsseg.layers.point_rend import uncertainty

    uncertainty(np.array([[1.0, 5.0, 3.0]], "float32"))  # [-2.0]
    ```
    """
    best, _ = ops.top_k(logits, 2)
    return best[..., 1] - best[..., 0]
