"""Predict a map of classes for a whole scene."""

import dataclasses
import pathlib
import time

from keras_rsseg.scenes.predicting.scene_run import open_run
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.void import VOID


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
    class_pixels: dict
    class_areas: dict | None
    probabilities: pathlib.Path | None = None
    uncertainty: pathlib.Path | None = None


def predict_scene(
    model,
    source,
    destination,
    *,
    tile_size=512,
    overlap=None,
    batch_size=4,
    bands=None,
    nodata=None,
    area=None,
    ground_sample_distance="auto",
    resample="auto",
    value_range=None,
    test_time_augmentation=None,
    scales=(1.0,),
    probabilities=None,
    uncertainty=None,
    uncertainty_kind="entropy",
    raster_dtype="uint8",
    class_names=None,
    palette=None,
    strip_height=1024,
    resume=False,
    overwrite=False,
    progress=True,
):
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
        tile_size: length of a tile, pixels (of the model's grid, see
            `ground_sample_distance`).
        overlap: pixels that neighbouring tiles share, at least; 0 to
            `tile_size - 1`. Defaults to a quarter of `tile_size`.
        batch_size: number of tiles in a batch, at most.
        bands: band numbers (from 1) or names, in the model's order.
            Defaults to those that the model names, or all but alpha.
        nodata: value that means no data, in place of the scene's own, or
            `"border"`, see `keras_rsseg.scenes.SceneReader`.
        area: where a map is wanted, anything that
            `keras_rsseg.scenes.AreaOfInterest` takes; `None` for everywhere.
        ground_sample_distance: pixel size that the model wants, metres:
            `"auto"` takes the model's, `None` the scene's. Where the
            scene's differs by more than a factor of 1.25, it is read at the
            model's (averaged or bilinear), and the probabilities are
            interpolated on the scene's grid.
        resample: `"never"` only says so, and takes pixels as they are.
        value_range: `(low, high)`, values of the scene that become the
            model's lowest and highest.
        test_time_augmentation: `"flips"` averages the answers to each tile
            and its three mirror images, `"d4"` to these turned by 90
            degrees, too: 4 or 8 times the time.
        scales: sizes of a tile in the eyes of the model, whose answers are
            averaged, such as `(0.75, 1.0, 1.25)`.
        probabilities: path of a raster for the probabilities, one band a
            class, or `None`.
        uncertainty: path of a raster for the uncertainty, or `None`.
        uncertainty_kind: `"entropy"`, `"margin"`, or `"variance"` between
            views (of the probabilities, summed over classes); see
            `keras_rsseg.scenes.Product`.
        raster_dtype: `"uint8"` or `"float16"`, of these two rasters.
        class_names: list of class names; defaults to the model's.
        palette: list of `(r, g, b)`; defaults to the model's.
        strip_height: rows that are finished and stored at a time.
        resume: whether to go on where an earlier run with the same scene,
            model and arguments was interrupted. A model without
            `get_weights` is known by its name alone. A map that is finished
            already is left as it is.
        overwrite: whether existing destinations may be replaced.
        progress: whether to show a progress bar on stderr.

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
    with open_run(
        model,
        source,
        destination,
        tile_size=tile_size,
        overlap=overlap,
        batch_size=batch_size,
        bands=bands,
        nodata=nodata,
        area=area,
        ground_sample_distance=ground_sample_distance,
        resample=resample,
        value_range=value_range,
        test_time_augmentation=test_time_augmentation,
        scales=scales,
        probabilities=probabilities,
        uncertainty=uncertainty,
        uncertainty_kind=uncertainty_kind,
        raster_dtype=raster_dtype,
        class_names=class_names,
        palette=palette,
        strip_height=strip_height,
        # What an equal run has made is told from others below.
        overwrite=overwrite or resume,
    ) as run:
        counts = run.finished_counts() if resume else None
        if counts is None:
            overwrite = overwrite or (resume and _may_go_on(run))
            run.check_destinations(overwrite)
            counts = run.make(resume, overwrite, progress)
        pixel_size = ground_pixel_size(run.scene.dataset)
    return _result(run, counts, pixel_size, time.perf_counter() - start)


def _may_go_on(run):
    """Whether what exists was put there by the run that is resumed.

    It was ended when only the classes, which come last, were missing.
    """
    classes, *others = run.products
    existing = [product for product in others if product.path.exists()]
    return not classes.path.exists() and all(map(run.has_made, existing))


def _result(run, counts, pixel_size, seconds):
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
