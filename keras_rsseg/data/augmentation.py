"""Random changes of a tile and its mask, kept exactly aligned."""

import math
from typing import TYPE_CHECKING
from typing import Any

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_range
from keras_rsseg.checks import unless_none
from keras_rsseg.data.color_changes import as_jpeg
from keras_rsseg.data.color_changes import change_colors
from keras_rsseg.data.color_changes import uniform
from keras_rsseg.data.color_statistics import ColorTransfer
from keras_rsseg.data.pairs import NO_DATA
from keras_rsseg.data.resampling import cut
from keras_rsseg.data.resampling import rotate as rotate_tile
from keras_rsseg.data.resampling import scale as scale_tile
from keras_rsseg.errors import ArgumentError
from keras_rsseg.void import VOID

if TYPE_CHECKING:
    import tensorflow

_FLIPS = (True, False, "horizontal", "vertical")
_SCALES = ("log_uniform", "uniform")


class Augmentation:
    """Random flips, rotations, scale and colour of a tile with its mask.

    The mask goes through the same geometry as the image: bilinear for the
    image, nearest for the mask, both with half-pixel centres, so a mask
    pixel keeps its place. Pixels from outside the image are 0 in the image
    and void (255) in the mask.

    Geometry comes first, then colours: blur, colour transfer, contrast,
    brightness, saturation, channel, gamma, haze, JPEG. Gains fit any range
    of values; `haze` and `color_transfer` are in the units of the image,
    `gamma` and `jpeg` use `value_range`. Integer images are
    rounded and clipped to their dtype.

    Random numbers are stateless: the same seed gives the same tile.

    Args:
        flip: whether to mirror left-right and top-down, each with
            probability 1/2; `"horizontal"` for left-right only,
            `"vertical"` for top-down only.
        rotate90: whether to turn by a random multiple of 90 degrees, or of
            180 degrees if tiles are not square.
        scale: `(smallest, largest)` magnification. 2 shows objects twice as
            large. `tile_dataset` reads a window of
            `tile_size / scale` from the image, so that at scales below 1
            the tile is filled with real surroundings.
        brightness: gain of all bands in `[1 - brightness, 1 + brightness]`.
        contrast: gain of the difference from the tile's mean, likewise.
        channel: gain of each band by itself, likewise.
        haze: largest veil of scattered light, in the units of the image. A
            tile's veil is uniform in `[0, haze]`, and brightens each band by
            half to all of it. Imagery whose black was stretched to 0 teaches
            that water is black; in other imagery it is as bright as the haze.
        blur: `(smallest, largest)` standard deviation of a Gaussian blur, in
            pixels, drawn uniformly for each tile; a float is the largest,
            with 0 as the smallest.
        seed: int or `None`; used by calls without a seed.
        rotate: largest angle of a turn about the tile's centre, in degrees,
            to either side: 180 for any angle. Corners turned in from outside
            are void.
        scale_distribution: `"log_uniform"`, enlarging as often as shrinking,
            or `"uniform"`.
        saturation: gain of the difference of each band from the pixel's grey
            (the mean of its bands), in `[1 - saturation, 1 + saturation]`.
        gamma: a tile is raised to a power between `1 / (1 + gamma)` and
            `1 + gamma`, brightened as often as darkened (the power's
            logarithm is uniform), while black and white stay. Values below
            black stay; those above white follow the curve.
        jpeg: `(lowest, highest)` quality of JPEG compression, 1 to 100, such
            as `(40, 100)`, drawn uniformly for each tile: its blocks, ringing
            and coarse colours. It comes last, on the pixels rounded to 256
            levels of `value_range`, and only for 3 bands (RGB) or 1.
        value_range: `(black, white)`, for `gamma` and `jpeg`. Defaults to 0
            and the largest value of an integer dtype: 255 for uint8, 65535
            for uint16. Floating-point images need it, and so do files of more
            than 8 bits, which `tile_dataset` gives as floats in their units:
            `(0, 10000)` for reflectances in 1/10000.
        color_transfer: `ColorTransfer` or `None`: a tile takes the colours
            of a randomly drawn target, or goes part of the way there (the
            statistics are interpolated; a tile's share is uniform in
            `[0, 1]`). For a source that should look like others.

    Raises:
        ArgumentError: if a range is not ascending (or, for `scale`, not
            positive), a strength lies outside `[0, 1)` (for `haze` and
            `gamma`: below 0), an angle outside `[0, 180]`, or `flip`,
            `scale_distribution`, `jpeg`, `value_range` or `color_transfer`
            is invalid. On the first tile (in `tile_dataset` and
            `tile_records` at once), if a colour change does not fit the
            images' bands or dtype.

    Example:

    ```python
    augmentation = keras_rsseg.data.Augmentation(
        scale=(0.5, 2.0), brightness=0.2, seed=1
    )
    image, mask = np.zeros((64, 64, 3), "uint8"), np.zeros((64, 64), "int32")
    tiles = keras_rsseg.data.tile_dataset(
        image, mask, tile_size=32, augmentation=augmentation
    )
    # Or tile by tile, as in the `map` of your own dataset:
    image, mask = augmentation(image, mask)
    ```
    """

    def __init__(
        self,
        flip: bool | str = True,
        rotate90: bool = True,
        scale: tuple[float, float] = (1.0, 1.0),
        brightness: float = 0.0,
        contrast: float = 0.0,
        channel: float = 0.0,
        haze: float = 0.0,
        blur: float | tuple[float, float] = 0.0,
        seed: int | None = None,
        *,
        rotate: float = 0.0,
        scale_distribution: str = "log_uniform",
        saturation: float = 0.0,
        gamma: float = 0.0,
        jpeg: tuple[int, int] | None = None,
        value_range: tuple[float, float] | None = None,
        color_transfer: ColorTransfer | None = None,
    ):
        self.scale = _as_range("scale", scale)
        self.blur = _as_range("blur", blur if _is_pair(blur) else (0, blur))
        self.flip = flip
        self.rotate90 = bool(rotate90)
        self.brightness = float(brightness)
        self.contrast = float(contrast)
        self.channel = float(channel)
        self.haze = float(haze)
        self.seed = seed
        self.rotate = float(rotate)
        self.scale_distribution = scale_distribution
        self.saturation = float(saturation)
        self.gamma = float(gamma)
        self.jpeg = as_jpeg(jpeg)
        self.value_range = unless_none(check_range)("value_range", value_range)
        self.color_transfer = color_transfer
        self._generator: Any = None
        self._check()

    def _check(self) -> None:
        if self.scale[0] == 0:
            raise ArgumentError(
                f"`scale` must be positive. Received: {self.scale}"
            )
        for name, limit in (
            ("brightness", 1),
            ("contrast", 1),
            ("channel", 1),
            ("haze", math.inf),
            ("saturation", 1),
            ("gamma", math.inf),
        ):
            value = getattr(self, name)
            if not 0 <= value < limit:
                raise ArgumentError(
                    f"`{name}` must lie in [0, {limit}). Received: {value!r}"
                )
        if not 0 <= self.rotate <= 180:
            raise ArgumentError(
                "`rotate` must lie in [0, 180] degrees. Received: "
                f"{self.rotate!r}"
            )
        if not isinstance(self.color_transfer, ColorTransfer | None):
            raise ArgumentError(
                "`color_transfer` must be a `ColorTransfer`. Received: "
                f"{self.color_transfer!r}"
            )
        check_choice("flip", self.flip, _FLIPS)
        check_choice("scale_distribution", self.scale_distribution, _SCALES)

    def __call__(self, image: Any, mask: Any = None, seed: Any = None) -> Any:
        """Change one tile.

        Scale is applied within the tile: above 1 a random part of it is
        enlarged, below 1 it is shrunk and surrounded by void.

        Args:
            image: tensor `(H, W, C)`, uint8 or floating; H and W static.
            mask: integer tensor `(H, W)` or `None`.
            seed: int tensor `(2,)`; `None` draws the next one from the
                object's own generator (repeatable only if calls come in a
                fixed order: no parallel `map`).

        Returns:
            `(image, mask)`, shapes and dtypes as given; only the image if
            `mask` is `None`.
        """
        import tensorflow as tf

        # Autograph, which `map` calls, would take seconds to rewrite it.
        change = tf.autograph.experimental.do_not_convert(self._change)
        return change(tf, image, mask, seed)

    def _change(self, tf: Any, image: Any, mask: Any, seed: Any) -> Any:
        image = tf.convert_to_tensor(image)
        alone = mask is None
        if alone:
            mask = tf.zeros(tf.shape(image)[:2], "int32")
        mask = tf.convert_to_tensor(mask)
        mask_dtype = mask.dtype
        seed = self._next_seed(tf) if seed is None else seed
        tile = tuple(image.shape[:2])
        if None in tile:
            raise ArgumentError(
                "`image` must have a static height and width. Received: "
                f"shape {image.shape}"
            )
        size = self.source_size(tile, seed)
        start = self.source_start(tile, size, seed)
        channels = image.shape[-1]
        image, mask = cut(tf, image, mask, start, size)
        image.set_shape((None, None, channels))
        image, mask = self.finish(image, mask, tile, seed)
        return image if alone else (image, tf.cast(mask, mask_dtype))

    def source_size(
        self, tile_size: tuple[int, int], seed: "tensorflow.Tensor"
    ) -> "tensorflow.Tensor":
        """Return the size `(2,)` int32 of the window to scale to a tile."""
        import tensorflow as tf

        tile = tf.constant(tile_size, "int32")
        if self.scale == (1.0, 1.0):
            return tile
        if self.scale_distribution == "uniform":
            drawn = uniform(tf, seed, 0, (), *self.scale)
        else:
            low, high = (math.log(value) for value in self.scale)
            drawn = tf.exp(uniform(tf, seed, 0, (), low, high))
        size = tf.round(tf.cast(tile, "float32") / drawn)
        return tf.maximum(tf.cast(size, "int32"), 1)

    def source_start(
        self,
        tile_size: tuple[int, int],
        size: "tensorflow.Tensor",
        seed: "tensorflow.Tensor",
    ) -> "tensorflow.Tensor":
        """Return a random start `(2,)` of that window, relative to the tile.

        A smaller window lies within the tile, a larger one contains it.
        """
        import tensorflow as tf

        slack = tf.cast(tf.constant(tile_size, "int32") - size, "float32")
        share = uniform(tf, seed, 1, (2,), 0.0, 1.0)
        return tf.cast(tf.round(slack * share), "int32")

    def finish(
        self,
        image: "tensorflow.Tensor",
        mask: "tensorflow.Tensor",
        tile_size: tuple[int, int],
        seed: "tensorflow.Tensor",
    ) -> tuple["tensorflow.Tensor", "tensorflow.Tensor"]:
        """Scale a source window to the tile, then turn and colour it.

        Args:
            image: tensor `(h, w, C)`, the source window.
            mask: int32 tensor `(h, w)`; `NO_DATA` (-1) where there is no
                image.
            tile_size: `(H, W)` of the tile.
            seed: int tensor `(2,)`.

        Returns:
            `(image, mask)` of shapes `(H, W, C)` and `(H, W)`, 0 and void
            if there is no image.
        """
        import tensorflow as tf

        dtype = image.dtype
        channels = image.shape[-1]
        if self.rotate:
            angle = uniform(tf, seed, 9, (), -self.rotate, self.rotate)
            image, mask = rotate_tile(tf, image, mask, tile_size, angle)
        elif self.scale != (1.0, 1.0):
            image, mask = scale_tile(tf, image, mask, tile_size)
        image, mask = self._turn(tf, image, mask, tile_size, seed)
        image = tf.ensure_shape(image, (*tile_size, channels))
        mask = tf.ensure_shape(mask, tile_size)
        empty = mask == NO_DATA
        if self._colors:
            image = tf.cast(image, "float32")
            image = change_colors(tf, self, image, ~empty, seed, dtype)
        image = tf.where(empty[..., None], tf.zeros((), image.dtype), image)
        mask = tf.where(empty, VOID, mask)
        if dtype.is_integer and image.dtype.is_floating:
            image = tf.round(tf.clip_by_value(image, dtype.min, dtype.max))
        return tf.cast(image, dtype), mask

    @property
    def _colors(self) -> bool:
        return bool(
            self.brightness
            or self.contrast
            or self.channel
            or self.haze
            or self.blur[1]
            or self.saturation
            or self.gamma
            or self.jpeg
            or self.color_transfer
        )

    def _turn(self, tf, image, mask, tile_size, seed):
        draws = uniform(tf, seed, 2, (3,), 0.0, 1.0)
        rows = cols = 1
        if self.flip in (True, "vertical"):
            rows = tf.where(draws[0] < 0.5, -1, 1)
        if self.flip in (True, "horizontal"):
            cols = tf.where(draws[1] < 0.5, -1, 1)
        if self.rotate90:
            turns = tf.cast(draws[2] * 4, "int32")
            if tile_size[0] == tile_size[1]:
                # A quarter turn is a transposition and a flip.
                image, mask, rows, cols = tf.cond(
                    turns % 2 == 1,
                    lambda: (
                        tf.transpose(image, (1, 0, 2)),
                        tf.transpose(mask),
                        cols,
                        rows,
                    ),
                    lambda: (image, mask, rows, cols),
                )
                rows *= tf.where((turns == 1) | (turns == 2), -1, 1)
                cols *= tf.where(turns >= 2, -1, 1)
            else:
                half = tf.where(turns >= 2, -1, 1)
                rows, cols = rows * half, cols * half
        return image[::rows, ::cols], mask[::rows, ::cols]

    def _next_seed(self, tf):
        if self._generator is None:
            with tf.init_scope():
                self._generator = (
                    tf.random.Generator.from_non_deterministic_state()
                    if self.seed is None
                    else tf.random.Generator.from_seed(self.seed)
                )
        return self._generator.make_seeds(1)[:, 0]


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple | list)


def _as_range(name: str, pair: Any) -> tuple[float, float]:
    pair = tuple(float(value) for value in pair)
    if len(pair) != 2 or not 0 <= pair[0] <= pair[1] < math.inf:
        raise ArgumentError(
            f"`{name}` must be (smallest, largest), at least 0 and ascending. "
            f"Received: {pair}"
        )
    return pair
