"""Random changes of a tile and its mask, kept exactly aligned."""

import math

from keras_rsseg.data.pairs import NO_DATA
from keras_rsseg.void import VOID


class Augmentation:
    """Random flips, rotations, scale and colour of a tile with its mask.

    The mask goes through the same geometry as the image: bilinear for the
    image, nearest for the mask, both with half-pixel centres, so a mask
    pixel keeps its place. What comes from outside the image is 0 in the
    image and void (255) in the mask.

    Colour changes but `haze` are gains, so they fit any range; uint8 images
    are rounded and clipped to 0..255.

    Random numbers are stateless: the same seed gives the same tile.

    Args:
        flip: whether to mirror left-right and top-down, each with
            probability 1/2.
        rotate90: whether to turn by a random multiple of 90 degrees; of 180
            degrees where tiles are not square.
        scale: `(smallest, largest)` magnification, log-uniform. 2 shows
            objects twice as large. `tile_dataset` reads a window of
            `tile_size / scale` from the image, so that at scales below 1
            the tile is filled with real surroundings.
        brightness: gain of all bands in `[1 - brightness, 1 + brightness]`.
        contrast: gain of the difference from the tile's mean, likewise.
        channel: gain of each band by itself, likewise.
        haze: largest veil of scattered light, in the units of the image: a
            tile's is uniform in `[0, haze]`, and each band is brightened by
            half to all of it. Imagery whose black was stretched to 0 teaches
            that water is black; other imagery's is as bright as its haze.
        blur: largest standard deviation of a Gaussian blur, pixels; the
            tile's is uniform in `[0, blur]`.
        seed: int or `None`; used where a call is given no seed.

    Raises:
        ValueError: for a scale range that is not positive and ascending, or
            a strength outside `[0, 1)` (`haze` and `blur`: below 0).

    Example:

    ```python
    augmentation = Augmentation(scale=(0.5, 2.0), brightness=0.2)
    tiles = tile_dataset(images, masks, augmentation=augmentation)
    # or, on a dataset of your own, tile by tile:
    dataset = dataset.map(augmentation)
    ```
    """

    def __init__(
        self,
        flip=True,
        rotate90=True,
        scale=(1.0, 1.0),
        brightness=0.0,
        contrast=0.0,
        channel=0.0,
        haze=0.0,
        blur=0.0,
        seed=None,
    ):
        scale = tuple(float(value) for value in scale)
        if len(scale) != 2 or not 0 < scale[0] <= scale[1] < math.inf:
            raise ValueError(
                "`scale` must be (smallest, largest), positive and ascending. "
                f"Received: {scale}"
            )
        for name, value in (
            ("brightness", brightness),
            ("contrast", contrast),
            ("channel", channel),
        ):
            if not 0 <= value < 1:
                raise ValueError(
                    f"`{name}` must lie in [0, 1). Received: {value!r}"
                )
        for name, value in (("haze", haze), ("blur", blur)):
            if not 0 <= value < math.inf:
                raise ValueError(
                    f"`{name}` must be at least 0. Received: {value!r}"
                )
        self.flip = bool(flip)
        self.rotate90 = bool(rotate90)
        self.scale = scale
        self.brightness = float(brightness)
        self.contrast = float(contrast)
        self.channel = float(channel)
        self.haze = float(haze)
        self.blur = float(blur)
        self.seed = seed
        self._generator = None

    def __call__(self, image, mask=None, seed=None):
        """Change one tile.

        Scale is applied within the tile: above 1 a random part of it is
        enlarged, below 1 it is shrunk and surrounded by void.

        Args:
            image: tensor `(H, W, C)`, uint8 or floating; H and W static.
            mask: integer tensor `(H, W)` or `None`.
            seed: int tensor `(2,)`; `None` draws the next one of the
                object's own generator (repeatable only where calls come in
                a fixed order: no parallel `map`).

        Returns:
            `(image, mask)`, shapes and dtypes as given; the image alone
            where `mask` is `None`.
        """
        import tensorflow as tf

        image = tf.convert_to_tensor(image)
        alone = mask is None
        if alone:
            mask = tf.zeros(tf.shape(image)[:2], "int32")
        mask = tf.convert_to_tensor(mask)
        mask_dtype = mask.dtype
        seed = self._next_seed(tf) if seed is None else seed
        tile = tuple(image.shape[:2])
        if None in tile:
            raise ValueError(
                "`image` must have a static height and width. Received: "
                f"shape {image.shape}"
            )
        size = self.source_size(tile, seed)
        start = self.source_start(tile, size, seed)
        image, mask = _cut(tf, image, tf.cast(mask, "int32"), start, size)
        image, mask = self.finish(image, mask, tile, seed)
        return image if alone else (image, tf.cast(mask, mask_dtype))

    def source_size(self, tile_size, seed):
        """Return the size `(2,)` int32 of the window to scale to a tile."""
        import tensorflow as tf

        tile = tf.constant(tile_size, "int32")
        if self.scale == (1.0, 1.0):
            return tile
        low, high = (math.log(value) for value in self.scale)
        drawn = _uniform(tf, seed, 0, (), low, high)
        size = tf.round(tf.cast(tile, "float32") / tf.exp(drawn))
        return tf.maximum(tf.cast(size, "int32"), 1)

    def source_start(self, tile_size, size, seed):
        """Return a random start `(2,)` of that window, relative to the tile.

        A smaller window lies within the tile, a larger one contains it.
        """
        import tensorflow as tf

        slack = tf.cast(tf.constant(tile_size, "int32") - size, "float32")
        share = _uniform(tf, seed, 1, (2,), 0.0, 1.0)
        return tf.cast(tf.round(slack * share), "int32")

    def finish(self, image, mask, tile_size, seed):
        """Scale a source window to the tile, then turn and colour it.

        Args:
            image: tensor `(h, w, C)`, the source window.
            mask: int32 tensor `(h, w)`; `NO_DATA` (-1) where there is no
                image.
            tile_size: `(H, W)` of the tile.
            seed: int tensor `(2,)`.

        Returns:
            `(image, mask)` of shapes `(H, W, C)` and `(H, W)`, 0 and void
            where there is no image.
        """
        import tensorflow as tf

        dtype = image.dtype
        channels = image.shape[-1]
        if self.scale != (1.0, 1.0):
            image = tf.image.resize(image, tile_size, "bilinear")
            mask = tf.image.resize(mask[..., None], tile_size, "nearest")[
                ..., 0
            ]
        image, mask = self._turn(tf, image, mask, tile_size, seed)
        image = tf.ensure_shape(image, (*tile_size, channels))
        mask = tf.ensure_shape(mask, tile_size)
        empty = mask == NO_DATA
        image = self._color(tf, tf.cast(image, "float32"), ~empty, seed)
        image = tf.where(empty[..., None], 0.0, image)
        mask = tf.where(empty, VOID, mask)
        if dtype.is_integer:
            image = tf.round(tf.clip_by_value(image, dtype.min, dtype.max))
        return tf.cast(image, dtype), mask

    def _turn(self, tf, image, mask, tile_size, seed):
        draws = _uniform(tf, seed, 2, (3,), 0.0, 1.0)
        if self.flip:
            axes = [
                tf.where(draws[0] < 0.5, -1, 1),
                tf.where(draws[1] < 0.5, -1, 1),
            ]
            image = image[:: axes[0], :: axes[1]]
            mask = mask[:: axes[0], :: axes[1]]
        if self.rotate90:
            half = tile_size[0] != tile_size[1]
            turns = tf.cast(draws[2] * 4, "int32")
            turns = turns // 2 * 2 if half else turns
            image = tf.image.rot90(image, turns)
            mask = tf.image.rot90(mask[..., None], turns)[..., 0]
        return image, mask

    def _color(self, tf, image, seen, seed):
        bands = image.shape[-1]
        if self.blur:
            image = _blurred(tf, image, self.blur, seed)
        if self.contrast:
            seen = tf.cast(seen, "float32")[..., None]
            count = tf.maximum(tf.reduce_sum(seen) * bands, 1.0)
            mean = tf.reduce_sum(image * seen) / count
            gain = _gain(tf, seed, 3, (), self.contrast)
            image = mean + (image - mean) * gain
        if self.brightness:
            image = image * _gain(tf, seed, 4, (), self.brightness)
        if self.channel:
            image = image * _gain(tf, seed, 5, (bands,), self.channel)
        if self.haze:
            veil = _uniform(tf, seed, 7, (), 0.0, self.haze)
            image = image + veil * _uniform(tf, seed, 8, (bands,), 0.5, 1.0)
        return image

    def _next_seed(self, tf):
        if self._generator is None:
            with tf.init_scope():
                self._generator = (
                    tf.random.Generator.from_non_deterministic_state()
                    if self.seed is None
                    else tf.random.Generator.from_seed(self.seed)
                )
        return self._generator.make_seeds(1)[:, 0]


def _uniform(tf, seed, stream, shape, low, high):
    # One independent stream for each decision, from one seed a tile.
    seed = tf.random.experimental.stateless_fold_in(seed, stream)
    return tf.random.stateless_uniform(shape, seed, low, high)


def _gain(tf, seed, stream, shape, strength):
    return _uniform(tf, seed, stream, shape, 1 - strength, 1 + strength)


def _cut(tf, image, mask, start, size):
    """Cut a window that may reach beyond the tile."""
    height, width = image.shape[:2]
    rows = start[0] + tf.range(size[0])
    cols = start[1] + tf.range(size[1])
    inside = ((rows >= 0) & (rows < height))[:, None] & (
        (cols >= 0) & (cols < width)
    )
    mask = tf.where(inside, _take_clamped(tf, mask, rows, cols), NO_DATA)
    return _take_clamped(tf, image, rows, cols), mask


def _take_clamped(tf, array, rows, cols):
    """Gather rows and columns; beyond the border, its pixels."""
    rows = tf.clip_by_value(rows, 0, array.shape[0] - 1)
    cols = tf.clip_by_value(cols, 0, array.shape[1] - 1)
    return tf.gather(tf.gather(array, rows, axis=0), cols, axis=1)


def _blurred(tf, image, blur, seed):
    sigma = tf.maximum(_uniform(tf, seed, 6, (), 0.0, blur), 1e-3)
    radius = max(1, math.ceil(3 * blur))
    steps = tf.range(-radius, radius + 1, dtype="float32")
    kernel = tf.exp(-0.5 * tf.square(steps / sigma))
    kernel = kernel / tf.reduce_sum(kernel)
    bands = image.shape[-1]
    rows = tf.range(-radius, image.shape[0] + radius)
    cols = tf.range(-radius, image.shape[1] + radius)
    blurred = _take_clamped(tf, image, rows, cols)[None]
    for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):
        weights = tf.tile(tf.reshape(kernel, shape), (1, 1, bands, 1))
        blurred = tf.nn.depthwise_conv2d(
            blurred, weights, (1, 1, 1, 1), "VALID"
        )
    return blurred[0]
