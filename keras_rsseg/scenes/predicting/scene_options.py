"""How a scene is to be predicted, checked before anything is read."""

import dataclasses
import math

from keras_rsseg.errors import ArgumentError
from keras_rsseg.scenes.maps.map_products import Product
from keras_rsseg.scenes.predicting.tile_predictor import TileView
from keras_rsseg.scenes.predicting.tile_predictor import tile_views


@dataclasses.dataclass(frozen=True)
class SceneOptions:
    """Arguments of `predict_scene` that decide how tiles become a map.

    Attributes:
        tile_size: length of a tile, pixels.
        overlap: pixels that neighbouring tiles share, at least.
        batch_size: number of tiles in a batch, at most.
        strip_height: rows of the map in a block.
        distance: pixel size that the model wants, metres, or `None`.
        value_range: `(low, high)` of the scene's values, or `None`.
        test_time_augmentation: `None`, `"flips"` or `"d4"`.
        views: list of `TileView`s.
    """

    tile_size: int
    overlap: int
    batch_size: int
    strip_height: int
    distance: float | None
    value_range: tuple[float, float] | None
    test_time_augmentation: str | None
    views: list[TileView]

    @property
    def stride(self):
        """Distance between tiles, pixels."""
        return self.tile_size - self.overlap

    @property
    def view_sizes(self):
        """Lengths of the views, each once."""
        return list(dict.fromkeys(view.size for view in self.views))


def check_options(
    model,
    tile_size,
    overlap,
    batch_size,
    strip_height,
    ground_sample_distance,
    value_range,
    test_time_augmentation,
    scales,
):
    """Check arguments of `predict_scene`; `SceneReader` checks its own.

    Returns:
        `SceneOptions`.

    Raises:
        TypeError: if `model` is none.
        ValueError: if an argument is out of range.
    """
    _check_model(model)
    for name, value in (
        ("tile_size", tile_size),
        ("batch_size", batch_size),
        ("strip_height", strip_height),
    ):
        if not _is_int(value) or value < 1:
            raise ArgumentError(
                f"`{name}` must be a positive int. Received: {value!r}"
            )
    overlap = tile_size // 4 if overlap is None else overlap
    if not _is_int(overlap) or not 0 <= overlap < tile_size:
        raise ArgumentError(
            "`overlap` must be an int from 0 to `tile_size` - 1, in pixels. "
            f"Received: overlap={overlap!r}, tile_size={tile_size}"
        )
    return SceneOptions(
        int(tile_size),
        int(overlap),
        int(batch_size),
        int(strip_height),
        _check_distance(ground_sample_distance, model),
        value_range,
        test_time_augmentation,
        tile_views(int(tile_size), test_time_augmentation, scales),
    )


def make_products(paths, uncertainty_kind, raster_dtype, views):
    """Return the rasters that are wanted.

    Args:
        paths: `{"destination": path}`, and `"probabilities"` and
            `"uncertainty"` where wanted.
        uncertainty_kind: `"entropy"`, `"margin"` or `"variance"`.
        raster_dtype: `"uint8"` or `"float16"`.
        views: list of `TileView`s.

    Returns:
        A list of `Product`s, classes first.

    Raises:
        ValueError: for another kind or dtype, and for the variance of a
            single view.
    """
    # Checked whether it is wanted or not.
    uncertainty = Product(
        "uncertainty", paths["destination"], raster_dtype, uncertainty_kind
    )
    products = [Product("classes", paths["destination"])]
    if "probabilities" in paths:
        path = paths["probabilities"]
        products.append(Product("probabilities", path, raster_dtype))
    if "uncertainty" in paths:
        if uncertainty_kind == "variance" and len(views) == 1:
            raise ArgumentError(
                "`uncertainty_kind='variance'` needs several views of each "
                "tile: give `test_time_augmentation` or `scales`"
            )
        path = paths["uncertainty"]
        products.append(dataclasses.replace(uncertainty, path=path))
    return products


def _check_model(model):
    if not callable(getattr(model, "predict_on_batch", model)):
        raise TypeError(
            "`model` must have `predict_on_batch` or be callable. Received: "
            f"{type(model).__name__}"
        )


def _is_int(value):
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _check_distance(distance, model):
    if isinstance(distance, str) and distance == "auto":
        distance = getattr(model, "ground_sample_distance", None)
    if distance is None:
        return None
    try:
        metres = float(distance)
    except (TypeError, ValueError):
        metres = math.nan
    if not 0 < metres < math.inf:
        raise ArgumentError(
            "`ground_sample_distance` must be 'auto', None or a positive "
            f"number of metres. Received: {distance!r}"
        )
    return metres
