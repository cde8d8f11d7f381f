"""The rasters made from blended probabilities, and the paths they may have."""

import dataclasses
import itertools
import math
import os
import pathlib
from collections.abc import Mapping

import numpy as np
import rasterio

from keras_rsseg.checks import check_choice
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import ArgumentTypeError
from keras_rsseg.files import link_target
from keras_rsseg.rasters.band_stack import open_source
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.sources import is_virtual
from keras_rsseg.scene_options import RASTER_DTYPES
from keras_rsseg.scene_options import UNCERTAINTY_KINDS
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.typing import PathLike
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


def check_paths(
    source: PathLike, destination: PathLike, overwrite: bool = False
) -> None:
    """Raise what `predict_scene` would raise about its two files.

    Args:
        source: path or URL of the scene.
        destination: path of the map, `.tif` or `.tiff`.
        overwrite: whether an existing map may be replaced.

    Raises:
        FileNotFoundError: if the scene or the destination's folder does
            not exist.
        FileExistsError: if the destination exists and `overwrite` is false.
        PermissionError: if the destination's folder is not writable.
        ValueError: if the scene is not a raster, the destination is the
            scene itself or a folder, or has another suffix.

    Example:

    ```python
    keras.utils.save_img("scene.png", np.zeros((8, 8, 3)))
    keras_rsseg.scenes.check_paths("scene.png", "classes.tif")
    ```
    """
    with open_source(source, "source") as dataset:
        check_destination(destination, dataset, overwrite)


def check_destinations(
    destinations: Mapping[str, PathLike | None],
    dataset: rasterio.DatasetReader,
    overwrite: bool = False,
) -> dict[str, pathlib.Path]:
    """Check the destinations of all rasters to write for a scene.

    Args:
        destinations: `{name of the argument: path}`; a path of `None` is
            left out.
        dataset: the scene, an open rasterio dataset.
        overwrite: whether existing files may be replaced.

    Returns:
        `{name of the argument: pathlib.Path}`.

    Raises:
        ValueError: if two are the same file; or as `check_destination`.
    """
    paths = {
        argument: check_destination(path, dataset, overwrite, argument)
        for argument, path in destinations.items()
        if path is not None
    }
    for one, other in itertools.combinations(paths, 2):
        if _are_same(paths[one], paths[other]):
            raise ArgumentError(
                f"`{one}` and `{other}` must be different files. Received: "
                f"{paths[one]}, {paths[other]}"
            )
    return paths


def check_destination(
    destination: PathLike,
    dataset: rasterio.DatasetReader,
    overwrite: bool = False,
    argument: str = "destination",
) -> pathlib.Path:
    """Check the destination of a map; see `check_paths`.

    Args:
        destination: path of the map.
        dataset: the scene, an open rasterio dataset.
        overwrite: whether an existing map may be replaced.
        argument: its name in errors.

    Returns:
        The destination as a `pathlib.Path`, with links resolved.
    """
    if not is_path(destination):
        raise ArgumentTypeError(
            f"`{argument}` must be a path. Received: "
            f"{type(destination).__name__}"
        )
    if is_virtual(os.fspath(destination)):
        raise ArgumentError(
            f"`{argument}` must be a path in the local file system. "
            f"Received: {destination}"
        )
    path = pathlib.Path(destination)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise ArgumentError(
            f"`{argument}` must end in .tif or .tiff: the map is a GeoTIFF. "
            f"Received: {path}"
        )
    path = link_target(path)
    if path.is_symlink():
        raise ArgumentError(f"`{argument}` is a link to itself: {path}")
    if path.is_dir():
        raise ArgumentError(f"`{argument}` is a folder: {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"`{argument}`: there is no folder {path.parent}"
        )
    if path.exists():
        # All files of the scene: it may be a VRT of several.
        if any(_are_same(path, name) for name in dataset.files):
            raise ArgumentError(
                f"`{argument}` is (a part of) the scene itself: {path}"
            )
        if not overwrite:
            raise FileExistsError(
                f"`{argument}` exists: {path}. Give `overwrite=True` to "
                "replace it"
            )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(
            f"`{argument}`: the folder {path.parent} cannot be written to"
        )
    return path


def check_folder(folder: pathlib.Path) -> None:
    """Raise if a folder cannot be created or written to.

    Args:
        folder: `pathlib.Path`.

    Raises:
        NotADirectoryError: if it, or a folder above it, is a file.
        PermissionError: if it is not writable.
    """
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise NotADirectoryError(f"{place} is a file, not a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(f"The folder {place} cannot be written to")


def _are_same(path: PathLike, other: PathLike) -> bool:
    """Whether two paths are, or would be, the same file."""
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other)
    return os.path.realpath(path) == os.path.realpath(other)
