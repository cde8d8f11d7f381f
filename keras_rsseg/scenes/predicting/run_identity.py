"""What a map depends on: the scene, the model, the parameters."""

import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any
from typing import cast

import numpy as np

from keras_rsseg import __version__
from keras_rsseg.option_values import as_percentages
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.maps.class_map import WINDOW
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.map_products import Product
from keras_rsseg.scenes.predicting.scene_identity import copied_identity
from keras_rsseg.scenes.predicting.scene_identity import scene_identity
from keras_rsseg.scenes.predicting.scene_identity import scene_label
from keras_rsseg.scenes.predicting.scene_plan import ScenePlan
from keras_rsseg.scenes.reading.scene_reader import SceneReader

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
