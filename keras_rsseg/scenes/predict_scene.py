"""Predict a map of classes for a whole scene."""

import dataclasses
import pathlib
import time
from collections.abc import Callable
from typing import Any
from typing import ParamSpec
from typing import Protocol

import numpy as np

from keras_rsseg.options import AnyPath
from keras_rsseg.options import takes
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.predicting.scene_run import SceneRun
from keras_rsseg.scenes.predicting.scene_run import open_run
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.void import VOID

P = ParamSpec("P")


@dataclasses.dataclass(frozen=True)
class SceneResult:
    """What `predict_scene` did.

    Attributes:
        destination: path of the map.
        seconds: wall-clock time.
        valid_share: share of the scene's pixels that got a class.
        class_pixels: `{class name: number of pixels}`.
        class_areas: `{class name: square metres on the ground}`, by the
            ground size of the central pixel; `None` where the scene has no
            coordinate reference system.
        probabilities: path of the probabilities, or `None`.
        uncertainty: path of the uncertainty, or `None`.
    """

    destination: pathlib.Path
    seconds: float
    valid_share: float
    class_pixels: dict[str, int]
    class_areas: dict[str, float] | None
    probabilities: pathlib.Path | None = None
    uncertainty: pathlib.Path | None = None


class PredictScene(Protocol[P]):
    """`predict_scene` as editors see it, whose options are `P`."""

    def __call__(
        self,
        model: Any,
        source: AnyPath,
        destination: AnyPath,
        *args: P.args,
        **options: P.kwargs,
    ) -> SceneResult:
        """Predict a scene of any size and write a map of its classes."""


def _takes(
    options: Callable[P, SceneOptions],
) -> Callable[[Callable[..., SceneResult]], PredictScene[P]]:
    return takes(options)


@_takes(SceneOptions)
def predict_scene(
    model: Any,
    source: AnyPath,
    destination: AnyPath,
    options: SceneOptions,
) -> SceneResult:
    """Predict a scene of any size and write a map of its classes.

    The scene is read in overlapping tiles, the tiles' class probabilities
    are blended with a Hann window, and each pixel gets its likeliest class,
    the one of the lower id where two are equal. Reading, predicting and
    writing overlap. Memory does not depend on the scene's size: it is that
    of a row of tiles some 5,000 pixels long, and of `strip_height` rows of
    what is written; wider scenes are done in sections, one after the other.

    The map does not depend on `strip_height`, on sections, or on where a run
    was interrupted, to the last bit; nor on `batch_size` if the model's
    logits of a tile do not. Those of the default preset, on a CPU, are the
    same for batches of 1 to 4 on TensorFlow and of 2 to 4 on torch; else,
    and on JAX, sizes of a batch differ by up to 3e-6, and so may pixels that
    two classes share to as many digits.

    The map is a Cloud-Optimised GeoTIFF, uint8, on the scene's grid: class
    ids, 255 and nodata where the scene is invalid, with reference system,
    colour table, and class names as the band's tags `class_0`, `class_1` ...
    Its file appears complete or not at all. Finished blocks of a run that
    was interrupted are kept in a hidden folder beside it, see `resume`.

    What the scene's dtype holds goes to the model as it is (uint8 as uint8,
    anything else as float32) unless `value_range` is given. Pixels without
    data in a tile are filled with the mean of its others, a scene smaller
    than a tile is reflected.

    Args:
        model: a task, or any object with `predict_on_batch(tiles)`, or a
            callable: tiles `(B, T, T, bands)` to logits
            `(B, T, T, classes)`, 2 to 255 classes. Its attributes `bands`,
            `class_names`, `palette`, `num_classes`, `value_range` and
            `ground_sample_distance` are used where it has them.
        source: path or URL of a raster that GDAL reads.
        destination: path of the map, `.tif` or `.tiff`.
        options: keyword arguments, the fields of
            `keras_rsseg.scenes.SceneOptions`.

    Returns:
        A `SceneResult`.

    Raises:
        FileNotFoundError: if the scene or the destination's folder does
            not exist.
        FileExistsError: if the destination exists and `overwrite` is false.
        PermissionError: if the destination's folder cannot be written.
        RuntimeError: if another run is writing the map.
        ValueError: if the scene is not a raster, has other bands than the
            model takes, or an argument is out of range; if the logits have
            another shape or are not finite; if the run to resume was
            another one.
        rasterio.errors.RasterioIOError: if the file is damaged.

    Example:

    ```python
    model = keras_rsseg.from_preset(keras_rsseg.DEFAULT_PRESET)
    result = keras_rsseg.predict_scene(model, "scene.tif", "classes.tif")
    print(result.class_areas)
    ```
    """
    start = time.perf_counter()
    resume, overwrite = options.resume, options.overwrite
    # What an equal run has made is told from others below.
    replace = overwrite or resume
    with open_run(
        model, source, destination, options, SceneRun, replace
    ) as run:
        counts = run.finished_counts() if resume else None
        if counts is None:
            overwrite = overwrite or (resume and _may_go_on(run))
            run.check_destinations(overwrite)
            counts = run.make(resume, overwrite, options.progress)
        pixel_size = ground_pixel_size(run.scene.dataset)
    return _result(run, counts, pixel_size, time.perf_counter() - start)


def _may_go_on(run: SceneRun) -> bool:
    """Whether what exists was put there by the run that is resumed.

    It was ended when only the classes, which come last, were missing.
    """
    classes, *others = run.products
    existing = [product for product in others if product.path.exists()]
    return not classes.path.exists() and all(map(run.has_made, existing))


def _result(
    run: SceneRun,
    counts: np.ndarray,
    pixel_size: tuple[float, float] | None,
    seconds: float,
) -> SceneResult:
    pixels = {
        name: int(counts[index])
        for index, name in enumerate(run.legend.names or [])
    }
    areas = None
    if pixel_size is not None:
        area = pixel_size[0] * pixel_size[1]
        areas = {name: count * area for name, count in pixels.items()}
    paths = {product.name: product.path for product in run.products}
    return SceneResult(
        paths["classes"],
        seconds,
        1 - int(counts[VOID]) / int(counts.sum()),
        pixels,
        areas,
        paths.get("probabilities"),
        paths.get("uncertainty"),
    )
