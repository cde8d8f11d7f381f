"""Means and deviations of the bands of images, and transfer between them."""

import dataclasses
import math
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_rsseg.checks import as_number
from keras_rsseg.checks import check_positive
from keras_rsseg.data.pairs import NO_DATA
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.windows import reading_windows


@dataclasses.dataclass(frozen=True)
class ColorStatistics:
    """Mean and standard deviation of each band of some pixels.

    `color_statistics` measures them. For published ones, leave `pixels`
    out.

    Attributes:
        means: a float for each band, in the units of the images.
        deviations: likewise, at least 0.
        pixels: number of pixels measured, the weight in `join`.

    Raises:
        ArgumentError: if a number is not finite, a deviation is negative, or
            there are not as many deviations as means.

    Example:

    ```python
    statistics = keras_rsseg.data.ColorStatistics(
        means=(112.0, 108.5, 97.0), deviations=(52.0, 47.5, 45.0)
    )
    len(statistics.means)  # 3
    ```
    """

    means: Sequence[float]
    deviations: Sequence[float]
    pixels: int = 1

    def __post_init__(self) -> None:
        # Frozen; tuples can also be compared and hashed.
        for name in ("means", "deviations"):
            object.__setattr__(
                self, name, _as_floats(name, getattr(self, name))
            )
        if len(self.means) != len(self.deviations):
            raise ArgumentError(
                "`means` and `deviations` must have one number for each band. "
                f"Received: {len(self.means)} means, {len(self.deviations)} "
                "deviations"
            )
        if min(self.deviations) < 0:
            raise ArgumentError(
                f"`deviations` must be at least 0. Received: {self.deviations}"
            )
        check_positive("pixels", self.pixels)

    @staticmethod
    def join(statistics: Iterable["ColorStatistics"]) -> "ColorStatistics":
        """Return the statistics of several sets of pixels taken together.

        Args:
            statistics: at least one, of the same bands.

        Returns:
            `ColorStatistics`, each weighted by its pixels: the deviation of
            two images of one colour each is that between them.

        Raises:
            ArgumentError: if there are none, or their bands differ in number.
        """
        given = list(statistics)
        bands = {len(one.means) for one in given}
        if len(bands) != 1:
            raise ArgumentError(
                "`statistics` must hold at least one, all of the same bands. "
                f"Received: {len(given)}, of {sorted(bands)} bands"
            )
        means = np.array([one.means for one in given])
        deviations = np.array([one.deviations for one in given])
        weights = np.array([float(one.pixels) for one in given])
        mean = np.average(means, axis=0, weights=weights)
        variance = np.average(
            deviations**2 + (means - mean) ** 2, axis=0, weights=weights
        )
        return ColorStatistics(
            mean.tolist(),
            np.sqrt(variance).tolist(),
            sum(int(one.pixels) for one in given),
        )


@dataclasses.dataclass(frozen=True)
class ColorTransfer:
    """A transfer from the colours of one source to those of others.

    For `Augmentation(color_transfer=...)`: a tile of the source takes on the
    look of one of the targets. It is mapped by the statistics of its whole
    source, not its own, so a tile of nothing but water becomes the target's
    water, not its mean colour.

    Attributes:
        source: `ColorStatistics` of the images that the tiles are cut from,
            taken together (`ColorStatistics.join`).
        targets: one or more `ColorStatistics`, in the same units. Give those
            of single scenes, as `color_statistics` returns them: joined ones
            differ less. If the source's own scenes are among them, tiles
            also vary within the source.

    Raises:
        ArgumentError: if these are not statistics, their bands differ in
            number, or a band does not vary (a deviation of 0).

    Example:

    ```python
    random = np.random.default_rng(0)
    city = [random.integers(256, size=(64, 64, 3)).astype("uint8")]
    farms = [image // 3 + np.uint8(90) for image in city]
    transfer = keras_rsseg.data.ColorTransfer(
        source=keras_rsseg.data.color_statistics(city)[0],
        targets=keras_rsseg.data.color_statistics(farms),
    )
    augmentation = keras_rsseg.data.Augmentation(
        color_transfer=transfer, seed=1
    )
    augmentation(city[0]).shape  # (64, 64, 3)
    ```

    Reference:
        Statistics are matched in the images' own bands; in another colour
        space: Reinhard et al., "Color Transfer between Images", IEEE
        Computer Graphics and Applications 21(5), 2001.
    """

    source: ColorStatistics
    targets: Sequence[ColorStatistics]

    def __post_init__(self) -> None:
        targets = self.targets
        if isinstance(targets, ColorStatistics):
            targets = (targets,)
        targets = tuple(targets)
        object.__setattr__(self, "targets", targets)
        if not targets:
            raise ArgumentError(
                "`targets` must hold at least one `ColorStatistics`. "
                "Received: none"
            )
        for name, one in (
            ("source", self.source),
            *((f"targets[{index}]", one) for index, one in enumerate(targets)),
        ):
            self._check(name, one)

    def _check(self, name: str, one: Any) -> None:
        if not isinstance(one, ColorStatistics):
            raise ArgumentError(
                f"`{name}` must be `ColorStatistics`. Received: {one!r}"
            )
        if len(one.means) != self.bands:
            raise ArgumentError(
                "`source` and `targets` must have the same bands. Received: "
                f"{self.bands} in `source`, {len(one.means)} in `{name}`"
            )
        if min(one.deviations) == 0:
            raise ArgumentError(
                f"Every band of `{name}` must vary: its deviation must be "
                f"above 0. Received: deviations {one.deviations}"
            )

    @property
    def bands(self) -> int:
        """Number of bands."""
        return len(self.source.means)


def color_statistics(images: Any, bands: Any = None) -> list[ColorStatistics]:
    """Measure the mean and deviation of each band of some images.

    Images are read window by window. Pixels without data (by a file's nodata
    value, its mask or alpha band, or because they are not finite) do not
    count, as for tiles.

    Args:
        images: list of paths (PNG, JPEG, TIFF) or arrays `(H, W, C)`; or one
            of them; or an array `(N, H, W, C)`. Sizes may differ.
        bands: band numbers to read, from 1, or (for files) names; `None` for
            all.

    Returns:
        A list of `ColorStatistics`, one for each image, with the deviations
        of all pixels (divided by their number). `ColorStatistics.join`
        combines several.

    Raises:
        FileNotFoundError: if a file does not exist.
        ArgumentError: if there are no images.
        RasterError: if a file cannot be read, images differ in bands or
            dtype, or an image has no pixel with data.

    Example:

    ```python
    images = [np.full((8, 8, 3), value, "uint8") for value in (50, 70)]
    statistics = keras_rsseg.data.color_statistics(images)
    statistics[0].means  # (50.0, 50.0, 50.0)
    together = keras_rsseg.data.ColorStatistics.join(statistics)
    together.deviations  # (10.0, 10.0, 10.0)
    ```
    """
    pairs = ImageMaskPairs(images, bands=bands, cache=False)
    return [_statistics_of(pairs, index) for index in range(len(pairs))]


def _statistics_of(pairs: ImageMaskPairs, index: int) -> ColorStatistics:
    parts = []
    for window in reading_windows(*pairs.sizes[index]):
        image, mask = pairs.read(index, window)
        pixels = image[mask != NO_DATA].astype("float64")
        if len(pixels):
            parts.append(
                ColorStatistics(
                    pixels.mean(axis=0).tolist(),
                    pixels.std(axis=0).tolist(),
                    len(pixels),
                )
            )
    if not parts:
        raise RasterError(
            f"{pairs.names[index]} has no pixel with data, so it has no "
            "colour statistics"
        )
    return ColorStatistics.join(parts)


def _as_floats(name: str, values: Any) -> tuple[float, ...]:
    try:
        numbers = tuple(as_number(value) for value in values)
    except TypeError:
        numbers = ()
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ArgumentError(
            f"`{name}` must hold a finite number for each band. Received: "
            f"{values!r}"
        )
    return numbers
