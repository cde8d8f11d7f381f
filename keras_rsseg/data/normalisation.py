"""Normalisation of your own bands, fitted to images or tiles."""

import dataclasses
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_rsseg.checks import check_range
from keras_rsseg.data.color_statistics import ColorStatistics
from keras_rsseg.data.pairs import NO_DATA
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.errors import ArgumentError
from keras_rsseg.rasters.windows import reading_windows
from keras_rsseg.void import VOID

_BYTES = (0.0, 255.0)


@dataclasses.dataclass(frozen=True)
class Normalisation:
    """A scale and offset that give each band a mean of 0 and deviation of 1.

    `tile * scale + offset`, as `keras_rsseg.models.TileConverter` computes
    it. `fit_normalisation` measures it; `from_preset(normalisation=...)`
    gives it to a model, whose preset then keeps it.

    Attributes:
        scale: a float for each band.
        offset: likewise.
        value_range: `(low, high)`, the values that tiles have.
        bands: names of the bands, or `None`.

    Example:

    ```python
    normalisation = keras_rsseg.data.Normalisation(
        scale=(0.01, 0.02), offset=(-1.0, -1.5), value_range=(0, 10000)
    )
    converter = keras_rsseg.models.HRNetImageConverter(
        bands=("vv", "vh"), **normalisation.as_arguments()
    )
    converter.value_range  # (0, 10000)
    ```
    """

    scale: Sequence[float]
    offset: Sequence[float]
    value_range: tuple[float, float]
    bands: tuple[str, ...] | None = None

    def as_arguments(self) -> dict[str, Any]:
        """Return it as keyword arguments of an image converter."""
        arguments = {
            "scale": list(self.scale),
            "offset": list(self.offset),
            "value_range": self.value_range,
        }
        return arguments | ({"bands": self.bands} if self.bands else {})


def fit_normalisation(
    images: Any,
    *,
    names: Sequence[str] | None = None,
    bands: Any = None,
    value_range: tuple[float, float] | None = None,
) -> Normalisation:
    """Fit the normalisation of a model to images, or to a dataset of tiles.

    Everything is read once, window by window or batch by batch. Pixels
    without data do not count, nor do those that a dataset's masks call void.

    Args:
        images: list of paths (PNG, JPEG, TIFF) or arrays `(H, W, C)`; or one
            of them; or a `tf.data.Dataset` of tiles, with or without masks,
            that ends, such as `tile_dataset` returns.
        names: names of the bands, which the model and its preset keep.
        bands: for images, the band numbers to read, from 1, or (for files)
            names; `None` for all.
        value_range: `(low, high)` that tiles can have. Defaults to 0 to 255
            for 8-bit images, else to the lowest and highest value found.

    Returns:
        `Normalisation`.

    Raises:
        FileNotFoundError: if a file does not exist.
        ArgumentError: if a band does not vary, there is no pixel with data,
            there is not one name per band, or the dataset has no end.
        RasterError: if a file cannot be read.

    Example:

    ```python
    # 16-bit scenes of four bands; paths work as well.
    random = np.random.default_rng(0)
    scenes = [random.integers(0, 9999, (64, 64, 4)).astype("uint16")]

    normalisation = keras_rsseg.data.fit_normalisation(
        scenes, names=("red", "green", "blue", "nir")
    )
    model = keras_rsseg.from_preset(
        keras_rsseg.DEFAULT_PRESET,
        classes=["field", "forest"],
        normalisation=normalisation,
    )
    model.bands  # ("red", "green", "blue", "nir")
    ```
    """
    is_dataset = hasattr(images, "element_spec")
    if is_dataset and bands is not None:
        raise ArgumentError("`bands` is for images; a dataset has its own")
    windows = _of_dataset(images) if is_dataset else _of_images(images, bands)
    parts, lows, highs, all_bytes = [], [], [], True
    for pixels, is_bytes in windows:
        values = pixels.astype("float64")
        values = values[np.isfinite(values).all(axis=-1)]
        if not len(values):
            continue
        parts.append(
            ColorStatistics(
                values.mean(axis=0).tolist(),
                values.std(axis=0).tolist(),
                len(values),
            )
        )
        lows.append(float(values.min()))
        highs.append(float(values.max()))
        all_bytes &= is_bytes
    if not parts:
        raise ArgumentError("`images` hold no pixel with data to fit to")
    found = ColorStatistics.join(parts)
    constant = [i + 1 for i, d in enumerate(found.deviations) if d == 0]
    if constant:
        raise ArgumentError(
            f"Every band must vary. Received: one value in band {constant[0]}"
        )
    if value_range is None:
        value_range = _BYTES if all_bytes else (min(lows), max(highs))
    return Normalisation(
        tuple(1 / deviation for deviation in found.deviations),
        tuple(
            -mean / deviation
            for mean, deviation in zip(
                found.means, found.deviations, strict=True
            )
        ),
        check_range("value_range", value_range),
        _as_names(names, len(found.means)),
    )


def _as_names(
    names: Sequence[str] | None, number: int
) -> tuple[str, ...] | None:
    if names is None:
        return None
    if isinstance(names, str) or len(set(names)) != number:
        raise ArgumentError(
            f"`names` must name each of the {number} bands. Received: "
            f"names={names!r}"
        )
    return tuple(str(name) for name in names)


def _of_images(images: Any, bands: Any) -> Iterator[tuple[np.ndarray, bool]]:
    pairs = ImageMaskPairs(images, bands=bands, cache=False)
    for index in range(len(pairs)):
        for window in reading_windows(*pairs.sizes[index]):
            image, mask = pairs.read(index, window)
            yield image[mask != NO_DATA], pairs.dtype == "uint8"


def _of_dataset(tiles: Any) -> Iterator[tuple[np.ndarray, bool]]:
    if int(tiles.cardinality()) == -1:  # tf.data.INFINITE_CARDINALITY
        raise ArgumentError(
            "`images` must end. Received a dataset that repeats: "
            "use `take(number)`"
        )
    for batch in tiles:
        parts = batch if isinstance(batch, tuple | list) else (batch,)
        image = np.asarray(parts[0])
        pixels = image.reshape(-1, image.shape[-1])
        if len(parts) > 1:
            pixels = pixels[np.asarray(parts[1]).reshape(-1) != VOID]
        yield pixels, image.dtype == np.uint8
