"""Predict the class map of a whole scene."""

import dataclasses
import pathlib
import time
from collections.abc import Callable
from typing import Any
from typing import ParamSpec
from typing import Protocol

import numpy as np

from keras_rsseg.options import takes
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.maps.class_map import open_class_map
from keras_rsseg.scenes.predicting.scene_run import SceneRun
from keras_rsseg.scenes.predicting.scene_run import open_run
from keras_rsseg.scenes.reading.ground_areas import GroundAreas
from keras_rsseg.typing import PathLike
from keras_rsseg.void import VOID

P = ParamSpec("P")


@dataclasses.dataclass(frozen=True)
class SceneResult:
    """The outcome of `predict_scene`.

    Attributes:
        destination: path of the map.
        seconds: wall-clock time.
        valid_share: share of the map's pixels that got a class.
        class_pixels: `{class name: number of pixels}`.
        class_areas: `{class name: square metres on the ground}`, measured on
            the ellipsoid, so independent of the projection; `None` if the
            scene has no coordinate reference system.
        probabilities: path of the probabilities, or `None`.
        uncertainty: path of the uncertainty, or `None`.

    Example:

    ```python
    keras.utils.save_img("scene.png", np.zeros((8, 8, 3)))
    result = keras_rsseg.predict_scene(
        lambda tiles: tiles / 25.0, "scene.png", "classes.tif", tile_size=8
    )
    result.valid_share  # 1.0
    ```
    """

    destination: pathlib.Path
    seconds: float
    valid_share: float
    class_pixels: dict[str, int]
    class_areas: dict[str, float] | None
    probabilities: pathlib.Path | None = None
    uncertainty: pathlib.Path | None = None


class PredictScene(Protocol[P]):
    """`predict_scene` as editors see it, with options `P`."""

    def __call__(
        self,
        model: Any,
        source: PathLike,
        destination: PathLike,
        *args: P.args,
        **options: P.kwargs,
    ) -> SceneResult:
        """Predict a scene of any size and write its class map."""


def _takes(
    options: Callable[P, SceneOptions],
) -> Callable[[Callable[..., SceneResult]], PredictScene[P]]:
    return takes(options)


@_takes(SceneOptions)
def predict_scene(
    model: Any,
    source: PathLike,
    destination: PathLike,
    options: SceneOptions,
) -> SceneResult:
    """Predict a scene of any size and write its class map.

    The scene is read in overlapping tiles, whose class probabilities are
    blended with a Hann window. Each pixel gets its likeliest class, and the
    lower id in a tie. Reading, predicting and writing run concurrently.
    Memory does not grow with the scene: it holds a row of tiles about 5,000
    pixels long and `strip_height` rows of each output. Wider scenes are
    processed in sections, one after the other.

    The map is identical to the last bit for every `strip_height`, however
    the scene was cut into sections and wherever a run was interrupted. It is
    identical for every `batch_size` if the model's logits of a tile are. With
    the default preset on a CPU they are for batches of 1 to 4 on TensorFlow
    and of 2 to 4 on torch; otherwise, and on JAX, they differ by up to 3e-6,
    which can decide between two classes that close together.

    The map is a Cloud-Optimised GeoTIFF on the scene's grid, or on the part
    of it that `area` covers: uint8 class ids, and 255, its nodata value,
    where the scene has no data. It has the scene's reference system, a colour
    table, and the class names as tags `class_0`, `class_1` ... of its band.
    The file appears only when it is complete. Finished blocks of an
    interrupted run are kept in a hidden folder beside it; see `resume`.

    Unless `value_range` is given, the model gets the scene's values
    unscaled, as uint8 if they are stored so, else as float32. Pixels without
    data are filled with the mean of the tile's valid ones. A scene smaller
    than a tile is padded by reflection.

    Args:
        model: a task, or any object with `predict_on_batch(tiles)`, or a
            callable: tiles `(B, T, T, bands)` to logits
            `(B, T, T, classes)`, 2 to 255 classes. Its attributes `bands`,
            `class_names`, `palette`, `num_classes`, `value_range` and
            `ground_sample_distance` are used if it has them.
        source: path or URL of a raster that GDAL can read.
        destination: path of the map, `.tif` or `.tiff`.
        options: keyword arguments, the fields of
            `keras_rsseg.scenes.SceneOptions`.

    Returns:
        A `SceneResult`.

    Raises:
        ArgumentTypeError: a `TypeError`, if `source` is a dataset or array.
        FileNotFoundError: if the scene or the destination's folder does
            not exist.
        FileExistsError: if the destination exists and `overwrite` is false.
        PermissionError: if the destination's folder is not writable.
        AlreadyRunningError: a `RuntimeError`, if another run is writing the
            map.
        ValueError: if the scene is not a raster, lacks the bands that the
            model takes, or an argument is out of range; if the logits have
            the wrong shape or are not finite; if the run to resume had
            another scene, model or options.
        rasterio.errors.RasterioIOError: if the file is damaged.

    Example:

    ```python
    pixels = np.zeros((64, 64, 3), "uint8")
    pixels[:, :16, 0] = pixels[:, 16:, 1] = 255
    keras.utils.save_img("scene.png", pixels, scale=False)

    # In place of keras_rsseg.from_preset(keras_rsseg.DEFAULT_PRESET).
    def model(tiles):
        return tiles / 25.0

    result = keras_rsseg.predict_scene(
        model,
        "scene.png",
        "classes.tif",
        tile_size=32,
        class_names=["red", "green", "blue"],
        progress=False,
    )
    result.class_pixels  # {"red": 1024, "green": 3072, "blue": 0}
    ```
    """
    start = time.perf_counter()
    resume, overwrite = options.resume, options.overwrite
    # Files of an identical run are recognised below.
    replace = overwrite or resume
    with open_run(
        model, source, destination, options, SceneRun, replace
    ) as run:
        counts = run.finished_counts() if resume else None
        if counts is None:
            overwrite = overwrite or (resume and _may_go_on(run))
            run.check_destinations(overwrite)
            counts = run.make(resume, overwrite, options.progress)
    return _result(run, counts, time.perf_counter() - start)


def _may_go_on(run: SceneRun) -> bool:
    """Whether the existing files were written by the run being resumed.

    It ended when only the classes, which come last, were missing.
    """
    classes, *others = run.products
    existing = [product for product in others if product.path.exists()]
    return not classes.path.exists() and all(map(run.has_made, existing))


def _result(run: SceneRun, counts: np.ndarray, seconds: float) -> SceneResult:
    names = run.legend.names or []
    pixels = {name: int(counts[index]) for index, name in enumerate(names)}
    areas = None
    with open_class_map(run.products[0].path) as classes:
        ground = GroundAreas.of(classes)
        if ground is not None:
            found = ground.of_classes(classes, counts)
            areas = {name: float(found[i]) for i, name in enumerate(names)}
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
