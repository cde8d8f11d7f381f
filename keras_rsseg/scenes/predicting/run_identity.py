"""What a map depends on: the scene, the model, the parameters.

A scene is identified by the contents of its files. Timestamps do not count: a
scene may be replaced by an older file, and a copy is the same scene.
"""

import functools
import hashlib
import json
import os
import re
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import cast

import numpy as np
from rasterio.io import DatasetReader

from keras_rsseg import __version__
from keras_rsseg.errors import RasterError
from keras_rsseg.errors import SceneError
from keras_rsseg.option_values import as_percentages
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.sources import absolute_source
from keras_rsseg.rasters.sources import files_of
from keras_rsseg.rasters.sources import is_part
from keras_rsseg.rasters.sources import short_name
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.maps.class_map import WINDOW
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.map_products import Product
from keras_rsseg.scenes.predicting.scene_plan import ScenePlan
from keras_rsseg.scenes.reading.scene_reader import SceneReader

# Bytes to read from all of a scene's files together, and at a time.
_BUDGET = 64 << 20
_PIECE = 16 << 10
# For a mosaic of very many files: beginning, middle and end of each.
_LEAST_PIECES, _SMALLEST_PIECE = 3, 512

_ARCHIVE = re.compile(r"^(/vsi[a-z0-9_]+/)+\{?")
# Options that do not change the map, or that are recorded in another form. All
# others, including new ones, are parameters under their names.
_TOLD_ELSEWHERE = frozenset(
    {
        # Recorded by `run_settings` and `settings_digest` in another form.
        *("area", "area_crs", "area_layer", "crop"),
        *("resample", "scales", "strip_height"),
        *("probabilities", "uncertainty", "uncertainty_kind", "raster_dtype"),
        *("class_names", "palette"),
        # These change how the map is made, not the result.
        *("batch_size", "resume", "overwrite", "progress"),
    }
)


def run_settings(
    model: Any, scene: SceneReader, options: SceneOptions, plan: ScenePlan
) -> dict[str, Any]:
    """Return all that must be equal for a run to be resumed.

    Args:
        model: task, object with `predict_on_batch`, or callable.
        scene: `SceneReader`.
        options: `SceneOptions`.
        plan: `ScenePlan`.

    Returns:
        A dict that JSON can hold.
    """
    return {
        "version": __version__,
        "scene": scene_identity(scene.dataset),
        "model": model_identity(model),
        "parameters": {
            **parameters(scene, options),
            "grid_size": list(plan.grid_size),
            "window": list(plan.window),
            "area": scene.area and scene.area.digest,
        },
        "blocks": [options.strip_height, plan.section_width],
    }


def settings_digest(
    settings: dict[str, Any], products: list[Product], legend: Legend
) -> str:
    """Return a short text that identifies a finished map.

    It does not depend on folder, time or blocks: maps of copies of a scene
    have the same.

    Args:
        settings: what `run_settings` returned.
        products: list of `Product`s.
        legend: `Legend`.
    """
    parts = {
        **settings,
        "scene": copied_identity(settings["scene"]),
        "blocks": None,
        "products": [[part.name, part.dtype, part.kind] for part in products],
        "legend": [legend.names, legend.colors],
    }
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def model_identity(model: Any) -> dict[str, Any]:
    """Return a dict that identifies a model by its weights.

    Without `get_weights`, it is identified by its name alone.

    Args:
        model: task, object with `predict_on_batch`, or callable.
    """
    named = model if hasattr(model, "__qualname__") else type(model)
    identity = {
        "name": f"{named.__module__}.{named.__qualname__}",
        "preset": _preset(model),
    }
    if callable(getattr(model, "get_weights", None)):
        digest = hashlib.sha256()
        for weights in model.get_weights():
            weights = np.ascontiguousarray(weights)
            digest.update(f"{weights.dtype} {weights.shape}".encode())
            digest.update(weights.tobytes())
        identity["weights"] = digest.hexdigest()
    return identity


def parameters(scene: SceneReader, options: SceneOptions) -> dict[str, Any]:
    """Return the parameters of a run that JSON and a map's tags can hold.

    Args:
        scene: `SceneReader`.
        options: `SceneOptions` for a model.
    """
    told = {
        "tile_size": options.tile_size,
        "overlap": options.tile_size - options.stride,
        "bands": _joined(scene.bands),
        "nodata": "own" if scene.nodata is None else str(scene.nodata),
        "ground_sample_distance": options.ground_sample_distance or "native",
        "value_range": _joined(_numbers(scene, options)) or "native",
        "test_time_augmentation": options.test_time_augmentation or "none",
        "view_sizes": _joined(options.view_sizes),
    }
    shares = as_percentages(options.value_range)
    if shares is not None:
        told["value_percentiles"] = _joined(shares)
    others = {
        name: str(value)
        for name, value in options.arguments(SceneOptions).items()
        if name not in {*told, *_TOLD_ELSEWHERE} and value is not None
    }
    return {**told, **others}


def provenance(
    model: Any, scene: SceneReader, options: SceneOptions, digest: str
) -> dict[str, Any]:
    """Return a map's tags, without time and place, so runs are repeatable.

    Args:
        model: task, object with `predict_on_batch`, or callable.
        scene: `SceneReader`.
        options: `SceneOptions`.
        digest: what `settings_digest` returned.
    """
    tags = {
        "TIFFTAG_SOFTWARE": f"keras_rsseg {__version__}",
        "model": getattr(model, "__name__", type(model).__name__),
        "scene": scene_label(scene.dataset.name, scene.dataset.files),
        **parameters(scene, options),
        "run": digest,
    }
    if scene.area is not None:
        tags["area"] = scene.area.digest[:16]
    if scene.window[2:] != (scene.height, scene.width):
        tags[WINDOW] = _joined(scene.window)
    preset = _preset(model)
    return {**tags, "preset": preset} if preset else tags


def _joined(values: Iterable[float] | None) -> str:
    return " ".join(f"{value:.12g}" for value in values or ())


def _numbers(
    scene: SceneReader, options: SceneOptions
) -> tuple[float, float] | None:
    """The range of values; for percentages, the measured one."""
    if as_percentages(options.value_range) is None:
        return cast(tuple[float, float] | None, options.value_range)
    return scene.value_range


def _preset(model: Any) -> str | None:
    """Name or handle of a model's preset; for a folder, its name alone.

    A path reveals the user's name and differs between machines. Weights tell
    presets apart.
    """
    preset = getattr(model, "preset", None)
    if not isinstance(preset, str):
        return None
    if "://" in preset and not preset.startswith("file:"):
        return preset
    return os.path.basename(os.path.abspath(os.path.expanduser(preset)))


def scene_identity(dataset: DatasetReader) -> dict[str, Any]:
    """Return a dict that identifies a scene.

    Files of up to 64 MiB together are read whole. Of larger ones, 64 MiB are
    read, spread from beginning to end: seconds, where a scene takes hours.

    Args:
        dataset: the scene, an open rasterio dataset.

    Returns:
        Its name, and the size and checksum of each file on disk that GDAL
        lists for it; JSON can hold it.
    """
    name = dataset.name
    return {
        "name": absolute_source(name),
        "label": scene_label(name, dataset.files),
        "files": files_identity(_files(dataset)),
        "dtypes": list(dataset.dtypes),
    }


def check_unchanged(identity: dict[str, Any]) -> None:
    """Raise if a scene has changed since a run began.

    A scene that no longer exists passes, as it was read to its end.

    Args:
        identity: what `scene_identity` returned at the beginning.

    Raises:
        SceneError: if one of its files was written or replaced.
    """
    before = identity["files"]
    there = [path for path in before if os.path.exists(path)]
    for path, said in files_identity(there, len(before)).items():
        if said != before[path]:
            raise SceneError(
                f"{path} was changed while it was being mapped, so the map "
                "would mix two versions of it. Start again when it is "
                "complete"
            )


def files_identity(
    paths: Iterable[str], among: int | None = None
) -> dict[str, Any]:
    """Return the sizes and checksums of files by path; JSON can hold them.

    Args:
        paths: paths of files on disk. Up to 64 MiB together they are read
            whole, beyond that in pieces.
        among: how many files share the 64 MiB; defaults to these.
    """
    paths = sorted(set(paths))
    share = _BUDGET // max(among or len(paths), 1)
    return {path: _size_and_checksum(path, share) for path in paths}


def copied_identity(identity: dict[str, Any]) -> list[Any]:
    """Return the part that a copy of the scene in another folder shares.

    Args:
        identity: what `scene_identity` returned.
    """
    files = [
        [os.path.basename(path), *said]
        for path, said in identity["files"].items()
    ]
    return [identity["label"], sorted(files), identity["dtypes"]]


def scene_label(name: str, files: Iterable[str] = ()) -> str:
    """Return a scene's name without its folder or anything else private.

    Args:
        name: path or URL, which may hold the user's name or a key.
        files: paths of its files, which may be part of the name.
    """
    if name.lstrip().startswith("<"):
        return "a virtual raster"
    names = files_of(name)
    if len(names) > 1:
        return "+".join(scene_label(each, files) for each in names)
    if is_part(name):
        for path in sorted(files, key=len, reverse=True):
            name = name.replace(path, os.path.basename(path))
        return short_name(name)
    if "://" in name or name.startswith("/vsi"):
        name = re.split(r"[?#]", name)[0]
    return os.path.basename(name.rstrip("/"))


def _files(dataset: DatasetReader) -> Iterator[str]:
    """Absolute paths of a scene's files, including those of its mosaics."""
    seen, waiting = set(), list(dataset.files)
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        found = _on_disk(path)
        if found is None:
            continue
        yield os.path.abspath(found)
        if path.lower().endswith(".vrt") and path != dataset.name:
            waiting.extend(_files_within(path))


def _files_within(path: str) -> list[str]:
    try:
        with open_raster(path) as dataset:
            return list(dataset.files)
    except (OSError, RasterError):
        # Reading the scene will raise the error.
        return []


def _on_disk(path: str) -> str | None:
    """The file behind a GDAL path, if it is on disk."""
    place = _ARCHIVE.sub("", path)
    if place == path:
        return path if os.path.isfile(path) else None
    # Within an archive: the archive.
    while not os.path.isfile(place):
        above = os.path.dirname(place).rstrip("}")
        if above in ("", place):
            return None
        place = above
    return place


def _size_and_checksum(path: str, share: int) -> list[Any]:
    status = os.stat(path)
    # The change time cannot be set back, unlike the modification time.
    version = status.st_ino, status.st_ctime_ns, status.st_mtime_ns
    return [status.st_size, _checksum(path, status.st_size, share, version)]


@functools.lru_cache(maxsize=1 << 12)
def _checksum(
    path: str, size: int, share: int, version: tuple[int, ...]
) -> str:
    """Checksum of a file, or of pieces of it that add up to `share` bytes."""
    del version
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        if size <= share:
            while data := file.read(_BUDGET // 16):
                digest.update(data)
            return digest.hexdigest()
        count = max(share // _PIECE, _LEAST_PIECES)
        length = min(max(share // count, _SMALLEST_PIECE), size)
        for index in range(count):
            file.seek((size - length) * index // (count - 1))
            digest.update(file.read(length))
    return digest.hexdigest()
