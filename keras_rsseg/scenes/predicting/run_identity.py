"""What a map depends on: the scene, the model, the parameters."""

import hashlib
import json
import os

import numpy as np

from keras_rsseg import __version__
from keras_rsseg.rasters.opener import is_virtual


def run_settings(model, scene, options, plan):
    """Return what must be equal for a run to be resumed.

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
        "scene": _scene_identity(scene.dataset),
        "model": model_identity(model),
        "parameters": {
            **parameters(scene, options),
            "grid_size": list(plan.grid_size),
            "area": scene.area and scene.area.digest,
        },
        "blocks": [options.strip_height, plan.section_width],
    }


def settings_digest(settings, products, legend):
    """Return a short text by which a finished map is known again.

    Path, time and blocks make no difference: maps of copies of a scene are
    the same.

    Args:
        settings: what `run_settings` returned.
        products: list of `Product`s.
        legend: `Legend`.
    """
    parts = {
        **settings,
        "scene": os.path.basename(settings["scene"]["name"]),
        "blocks": None,
        "products": [[part.name, part.dtype, part.kind] for part in products],
        "legend": [legend.names, legend.colors],
    }
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def model_identity(model):
    """Return a dict that tells a model from another one, by its weights.

    One that has no `get_weights` is known by its name alone.

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


def parameters(scene, options):
    """Return the parameters of a run that JSON and a map's tags can hold.

    Args:
        scene: `SceneReader`.
        options: `SceneOptions`.
    """
    return {
        "tile_size": options.tile_size,
        "overlap": options.overlap,
        "bands": _joined(scene.bands),
        "nodata": "own" if scene.nodata is None else str(scene.nodata),
        "ground_sample_distance": options.distance or "native",
        "value_range": _joined(options.value_range) or "native",
        "test_time_augmentation": options.test_time_augmentation or "none",
        "view_sizes": _joined(options.view_sizes),
    }


def provenance(model, scene, options, digest):
    """Return the tags of a map. No time and place: runs are repeatable.

    Args:
        model: task, object with `predict_on_batch`, or callable.
        scene: `SceneReader`.
        options: `SceneOptions`.
        digest: what `settings_digest` returned.
    """
    tags = {
        "TIFFTAG_SOFTWARE": f"keras_rsseg {__version__}",
        "model": getattr(model, "__name__", type(model).__name__),
        "scene": os.path.basename(scene.dataset.name),
        **parameters(scene, options),
        "run": digest,
    }
    if scene.area is not None:
        tags["area"] = scene.area.digest[:16]
    preset = _preset(model)
    return {**tags, "preset": preset} if preset else tags


def _joined(values):
    return " ".join(f"{value:.12g}" for value in values or ())


def _preset(model):
    preset = getattr(model, "preset", None)
    return preset if isinstance(preset, str) else None


def _scene_identity(dataset):
    """Path, and size and time of each of the scene's files on disk."""
    name = dataset.name
    files = {}
    for path in dataset.files:
        if os.path.exists(path):
            status = os.stat(path)
            files[os.path.abspath(path)] = [status.st_size, status.st_mtime_ns]
    return {
        "name": name if is_virtual(name) else os.path.abspath(name),
        "files": files,
        "dtypes": list(dataset.dtypes),
    }
