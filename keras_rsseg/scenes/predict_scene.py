"""Predict a map of classes for a whole scene."""

import contextlib
import dataclasses
import logging
import math
import os
import pathlib
import time

import numpy as np
from tqdm import tqdm

from keras_rsseg import __version__
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.scenes.blending import BLOCK_ROWS
from keras_rsseg.scenes.blending import RowBlender
from keras_rsseg.scenes.blending import likeliest
from keras_rsseg.scenes.class_writer import ClassWriter
from keras_rsseg.scenes.ground_size import ground_pixel_size
from keras_rsseg.scenes.ground_size import model_grid_size
from keras_rsseg.scenes.legend import Legend
from keras_rsseg.scenes.row_resampler import resample_rows
from keras_rsseg.scenes.scene_paths import check_destination
from keras_rsseg.scenes.scene_reader import SceneReader
from keras_rsseg.scenes.scene_source import block_cache
from keras_rsseg.scenes.scene_source import open_scene
from keras_rsseg.scenes.tile_predictor import even_batch_size
from keras_rsseg.scenes.tile_predictor import predict_tiles
from keras_rsseg.scenes.tile_predictor import read_tiles
from keras_rsseg.void import VOID

logger = logging.getLogger(__name__)


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
    """

    destination: pathlib.Path
    seconds: float
    valid_share: float
    class_pixels: dict
    class_areas: dict | None


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
    ground_sample_distance="auto",
    class_names=None,
    palette=None,
    overwrite=False,
    progress=True,
):
    """Predict a scene of any size and write a map of its classes.

    The scene is read in overlapping tiles, the tiles' class probabilities
    are blended with a Hann window, and each pixel gets its likeliest class.
    Memory is bounded by one row of tiles, whatever the scene's height. The
    map does not depend on `batch_size` as far as a tile's logits do not.

    The map is a GeoTIFF, uint8, on the scene's grid: class ids, 255 and
    nodata where the scene is invalid (its nodata value, mask or alpha band,
    `nodata`, NaN), with reference system, colour table, and class names as
    the band's tags `class_0`, `class_1` ... Its file appears complete or
    not at all.

    What the scene's dtype holds goes to the model as it is (uint8 as uint8,
    anything else as float32). Invalid pixels in a tile are filled with the
    mean of its valid ones, a scene smaller than a tile is reflected.

    Args:
        model: a task, or any object with `predict_on_batch(tiles)`, or a
            callable: tiles `(B, T, T, bands)` to logits
            `(B, T, T, classes)`, 2 to 255 classes. Its attributes `bands`,
            `class_names`, `palette`, `num_classes` and
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
        nodata: value that means no data, in place of the scene's own.
        ground_sample_distance: pixel size that the model wants, metres:
            `"auto"` takes the model's, `None` the scene's. Where the
            scene's differs by more than a factor of 1.25, it is read at the
            model's (averaged or bilinear), and the probabilities are
            interpolated on the scene's grid.
        class_names: list of class names; defaults to the model's.
        palette: list of `(r, g, b)`; defaults to the model's.
        overwrite: whether an existing destination may be replaced.
        progress: whether to show a progress bar on stderr.

    Returns:
        A `SceneResult`.

    Raises:
        FileNotFoundError: if the scene or the destination's folder does
            not exist.
        FileExistsError: if the destination exists and `overwrite` is false.
        PermissionError: if the destination's folder cannot be written.
        ValueError: if the scene is not a raster, has other bands than the
            model takes, or an argument is out of range; if the logits have
            another shape or are not finite.
        rasterio.errors.RasterioIOError: if the file is damaged.

    Example:

    ```python
    model = keras_rsseg.from_preset(keras_rsseg.DEFAULT_PRESET)
    result = keras_rsseg.predict_scene(model, "scene.tif", "classes.tif")
    print(result.class_areas)
    ```
    """
    start = time.perf_counter()
    _check_model(model)
    stride = _check_tiling(tile_size, overlap, batch_size)
    distance = _check_distance(ground_sample_distance, model)
    legend = Legend(
        _given_or(class_names, model, "class_names"),
        _given_or(palette, model, "palette"),
        getattr(model, "num_classes", None),
    )
    with contextlib.ExitStack() as stack:
        dataset = stack.enter_context(open_scene(source))
        path = check_destination(destination, dataset, overwrite)
        scene = SceneReader(
            dataset, bands, nodata, getattr(model, "bands", None)
        )
        if scene.dtype != np.uint8:
            logger.warning(
                "The scene is %s: its values go to the model as they are.",
                scene.dtype,
            )
        tags = _tags(model, source, tile_size, tile_size - stride, distance)
        writer = stack.enter_context(
            ClassWriter(path, dataset, legend, tags, overwrite)
        )
        pixel_size = ground_pixel_size(dataset)
        size = distance and model_grid_size(dataset, distance)
        rows = tile_size * dataset.height // (size or dataset.shape)[0]
        stack.enter_context(block_cache(dataset, rows))
        grid = stack.enter_context(scene.resampled(*size)) if size else scene
        scores = _score_rows(
            model, grid, legend, tile_size, stride, batch_size, progress
        )
        if size:
            shape = dataset.height, dataset.width
            scores = resample_rows(scores, size, shape)
        _write_classes(scores, scene, writer, size is not None)
    return _result(path, time.perf_counter() - start, writer, pixel_size)


def _score_rows(model, grid, legend, tile_size, stride, batch_size, progress):
    """Yield the blended probabilities of a grid, from its top.

    Yields nothing if it has no valid pixel.
    """
    count = len(tile_windows(grid.height, grid.width, tile_size, stride))
    batch_size = even_batch_size(count, batch_size)
    tiles = read_tiles(grid, tile_size, stride)
    blender = None
    with tqdm(
        total=count, unit="tile", desc="predict", disable=not progress
    ) as bar:
        for tile, probabilities in predict_tiles(model, tiles, batch_size):
            if blender is None:
                legend.complete(len(probabilities))
                blender = RowBlender(grid.width, tile_size, legend.num_classes)
            yield from blender.take(tile.row)
            blender.add(tile.row, tile.col, probabilities, tile.valid)
            bar.update(tile.number + 1 - bar.n)
        if blender is not None:
            yield from blender.take(grid.height)
        bar.update(count - bar.n)


def _write_classes(scores, scene, writer, masked):
    """Write the likeliest classes; `masked`: read the scene's mask again."""
    top = 0
    for block in scores:
        classes = likeliest(block)
        if masked:
            classes[~scene.read_valid(top, len(classes))] = VOID
        writer.write(classes)
        top += len(classes)
    if top == 0:
        logger.warning("The scene has no valid pixel: the map is empty.")
    while top < scene.height:
        rows = min(BLOCK_ROWS, scene.height - top)
        writer.write(np.full((rows, scene.width), VOID, "uint8"))
        top += rows


def _result(path, seconds, writer, pixel_size):
    names = writer.legend.names or []
    pixels = {name: int(writer.counts[i]) for i, name in enumerate(names)}
    areas = None
    if pixel_size is not None:
        area = pixel_size[0] * pixel_size[1]
        areas = {name: count * area for name, count in pixels.items()}
    total = int(writer.counts.sum())
    valid = 1 - int(writer.counts[VOID]) / total
    return SceneResult(path, seconds, valid, pixels, areas)


def _given_or(value, model, name):
    return getattr(model, name, None) if value is None else value


def _check_model(model):
    if not callable(getattr(model, "predict_on_batch", model)):
        raise TypeError(
            "`model` must have `predict_on_batch` or be callable. Received: "
            f"{type(model).__name__}"
        )


def _check_tiling(tile_size, overlap, batch_size):
    """Check the sizes and return the distance between tiles."""
    for name, value in (("tile_size", tile_size), ("batch_size", batch_size)):
        if not _is_int(value) or value < 1:
            raise ValueError(
                f"`{name}` must be a positive int. Received: {value!r}"
            )
    overlap = tile_size // 4 if overlap is None else overlap
    if not _is_int(overlap) or not 0 <= overlap < tile_size:
        raise ValueError(
            "`overlap` must be an int from 0 to `tile_size` - 1, in pixels. "
            f"Received: overlap={overlap!r}, tile_size={tile_size}"
        )
    return tile_size - overlap


def _is_int(value):
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _check_distance(distance, model):
    if distance == "auto":
        distance = getattr(model, "ground_sample_distance", None)
    if distance is None:
        return None
    try:
        metres = float(distance)
    except (TypeError, ValueError):
        metres = math.nan
    if not 0 < metres < math.inf:
        raise ValueError(
            "`ground_sample_distance` must be 'auto', None or a positive "
            f"number of metres. Received: {distance!r}"
        )
    return metres


def _tags(model, source, tile_size, overlap, distance):
    """What a reader of the map should know. No time: runs are repeatable."""
    name = getattr(model, "__name__", type(model).__name__)
    tags = {
        "TIFFTAG_SOFTWARE": f"keras_rsseg {__version__}",
        "model": name,
        "scene": os.path.basename(os.fspath(source)),
        "tile_size": tile_size,
        "overlap": overlap,
        "ground_sample_distance": distance or "native",
    }
    preset = getattr(model, "preset", None)
    return {**tags, "preset": preset} if isinstance(preset, str) else tags
