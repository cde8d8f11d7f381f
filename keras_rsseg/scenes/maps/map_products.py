"""The rasters made from blended probabilities."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping

import numpy as np

from keras_rsseg.checks import check_choice
from keras_rsseg.errors import ArgumentError
from keras_rsseg.scene_options import RASTER_DTYPES
from keras_rsseg.scene_options import UNCERTAINTY_KINDS
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.void import VOID

# uint8 holds 0 to 1 as 0 to 250, in steps of 0.004; 255 is no data.
STEPS = 250
_DTYPES = {
    "classes": ("uint8",),
    "probabilities": RASTER_DTYPES,
    "uncertainty": RASTER_DTYPES,
}


@dataclasses.dataclass(frozen=True)
class Product:
    """A raster to write for a scene.

    - `"classes"`: ids of the likeliest classes, void is 255.
    - `"probabilities"`: a band for each class, 0 to 1.
    - `"uncertainty"`: one band, 0 (certain) to 1, by `kind`: `"entropy"` of
      the probabilities over the logarithm of the number of classes;
      `"margin"`, 1 minus the lead of the likeliest class over the second;
      `"variance"` of the probabilities across augmented views.

    The last two are stored as uint8, 0 to 250 with scale 0.004 and nodata
    255, or with the precision of float16 and nodata NaN; the maps store the
    latter as 32-bit floats, which every reader supports.

    Args:
        name: `"classes"`, `"probabilities"` or `"uncertainty"`.
        path: path of the raster, `.tif`.
        dtype: `"uint8"` or `"float16"`.
        kind: kind of uncertainty; `None` for the other two.

    Raises:
        ValueError: for any other name, dtype or kind.

    Example:

    ```python
    product = keras_rsseg.scenes.Product("classes", "classes.tif")
    probabilities = np.array([[[0.2, 0.6]], [[0.8, 0.4]]], "float32")
    product.render(probabilities).tolist()  # [[[1, 0]]]
    ```
    """

    name: str
    path: pathlib.Path
    dtype: str = "uint8"
    kind: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", pathlib.Path(self.path))
        check_choice("name", self.name, _DTYPES)
        check_choice("raster_dtype", self.dtype, _DTYPES[self.name])
        kinds = UNCERTAINTY_KINDS if self.name == "uncertainty" else (None,)
        check_choice("uncertainty_kind", self.kind, kinds)

    @property
    def nodata(self) -> float:
        """The value of invalid pixels."""
        return VOID if self.dtype == "uint8" else math.nan

    @property
    def scale(self) -> float | None:
        """The factor of stored values, `None` for class ids."""
        if self.name == "classes":
            return None
        return 1 / STEPS if self.dtype == "uint8" else 1.0

    def bands(self, num_classes: int) -> int:
        """Return the number of bands.

        Args:
            num_classes: number of classes.
        """
        return num_classes if self.name == "probabilities" else 1

    def render(
        self, probabilities: np.ndarray, variance: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the raster of a block.

        Args:
            probabilities: float32 array `(classes, h, w)`; all zero in
                invalid pixels.
            variance: float32 array `(h, w)`, 0 to 1; only for that kind.

        Returns:
            An array `(bands, h, w)` of the product's dtype.
        """
        if self.name == "classes":
            return likeliest(probabilities)[None]
        valid = probabilities.max(axis=0) > 0
        if self.name == "probabilities":
            return self._stored(probabilities, valid)
        if self.kind == "variance":
            if variance is None:
                raise ArgumentError(
                    "`uncertainty_kind='variance'` needs several views of "
                    "each tile: give `test_time_augmentation` or `scales`"
                )
            return self._stored(variance[None], valid)
        measure = _entropy if self.kind == "entropy" else _margin
        return self._stored(measure(probabilities)[None], valid)

    def _stored(self, values: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """Values from 0 to 1 in their stored form."""
        raster = np.empty(values.shape, self.dtype)
        # Band by band: a float copy of all would be many times as large.
        for band, plane in zip(raster, values, strict=True):
            plane = np.where(valid, np.clip(plane, 0, 1), 0)
            if self.dtype == "uint8":
                plane = np.rint(plane * np.float32(STEPS))
            band[:] = plane
            band[~valid] = self.nodata
        return raster


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    """Entropy over its maximum, the logarithm of the number of classes."""
    total = np.zeros(probabilities.shape[1:], "float32")
    smallest = np.finfo("float32").tiny
    for plane in probabilities:
        total -= plane * np.log(np.maximum(plane, smallest))
    return total / np.float32(math.log(max(len(probabilities), 2)))


def _margin(probabilities: np.ndarray) -> np.ndarray:
    """One minus the difference between the highest and the second."""
    first = probabilities[0].copy()
    second = np.zeros_like(first)
    for plane in probabilities[1:]:
        np.maximum(second, np.minimum(first, plane), out=second)
        np.maximum(first, plane, out=first)
    return 1 - (first - second)


def make_products(
    paths: Mapping[str, pathlib.Path], options: SceneOptions
) -> list[Product]:
    """Return the rasters to write for a scene.

    Args:
        paths: `{"destination": path}`, and `"probabilities"` and
            `"uncertainty"` if requested.
        options: the scene's options.

    Returns:
        A list of `Product`s, classes first.
    """
    dtype = options.raster_dtype
    products = [Product("classes", paths["destination"])]
    if "probabilities" in paths:
        path = paths["probabilities"]
        products.append(Product("probabilities", path, dtype))
    if "uncertainty" in paths:
        path, kind = paths["uncertainty"], options.uncertainty_kind
        products.append(Product("uncertainty", path, dtype, kind))
    return products


def likeliest(scores: np.ndarray) -> np.ndarray:
    """Return the ids of the highest scores.

    Ties go to the lower id. Faster than `argmax`, which is slow along the
    first axis.

    Args:
        scores: array `(classes, h, w)`, not negative.

    Returns:
        A uint8 array `(h, w)`; void where all scores are 0.
    """
    best = scores[0].copy()
    classes = np.zeros(best.shape, "uint8")
    for index in range(1, len(scores)):
        classes[scores[index] > best] = index
        np.maximum(best, scores[index], out=best)
    classes[best <= 0] = VOID
    return classes
