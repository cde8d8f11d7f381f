"""Describe an exported file as a STAC item with the MLM extension."""

import datetime
import os
import pathlib
import re
from typing import Any

import numpy as np

from keras_rsseg.scenes.exported.exported_facts import ExportedFacts

_EXTENSIONS = "https://stac-extensions.github.io"
MLM = f"{_EXTENSIONS}/mlm/v1.4.0/schema.json"
CLASSIFICATION = f"{_EXTENSIONS}/classification/v2.0.0/schema.json"

# Framework and media type of files by suffix.
_KINDS = {
    ".onnx": ("ONNX", "application/octet-stream; framework=onnx"),
    ".tflite": ("LiteRT", "application/octet-stream; framework=litert"),
    ".xml": ("OpenVINO", "application/xml"),
    "": ("TensorFlow", "application/octet-stream; framework=tensorflow"),
}
_LAYOUTS = {
    "channels_last": ["batch", "height", "width", "channel"],
    "channels_first": ["batch", "channel", "height", "width"],
}


def stac_item(
    facts: ExportedFacts,
    path: str | os.PathLike,
    parameters: int | None = None,
    time: datetime.datetime | None = None,
) -> dict[str, Any]:
    """Return a STAC item that describes an exported file.

    Args:
        facts: what the file states about its model.
        path: path of the file; the item belongs beside it.
        parameters: number of the model's weights, or `None`.
        time: when the file was made. Defaults to now.

    Returns:
        A dict for JSON: a GeoJSON feature without a place, with the fields
        of STAC's machine-learning model extension (MLM) 1.4.

    Example:

    ```python
    from keras_rsseg.scenes.exported.exported_facts import ExportedFacts

    facts = ExportedFacts(system="PFNet", version="1", num_classes=2, bands=3)
    item = keras_rsseg.export.stac_item(facts, "m.onnx")
    item["properties"]["mlm:architecture"]  # "PFNet"
    item["assets"]["model"]["href"]  # "./m.onnx"
    ```

    Reference:
        https://github.com/stac-extensions/mlm
    """
    path = pathlib.Path(path)
    framework, media_type = _KINDS[path.suffix.lower()]
    time = time or datetime.datetime.now(datetime.UTC)
    properties: dict[str, Any] = {
        "datetime": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "description": f"{facts.system} written by keras_rsseg {facts.version}",
        "mlm:name": _name(facts.preset or path.stem),
        "mlm:architecture": facts.system,
        "mlm:tasks": ["semantic-segmentation"],
        "mlm:framework": framework,
        "mlm:pretrained": True,
        "mlm:accelerator_constrained": False,
        "mlm:input": [_input(facts)],
        "mlm:output": [_output(facts)],
        "mlm:hyperparameters": {
            "tile_size": facts.tile_size,
            "overlap": facts.overlap,
        },
    }
    if facts.batch_size is not None:
        properties["mlm:batch_size_suggestion"] = facts.batch_size
    if parameters is not None:
        properties["mlm:total_parameters"] = parameters
    if facts.ground_sample_distance is not None:
        properties["gsd"] = facts.ground_sample_distance
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [MLM, CLASSIFICATION],
        "id": properties["mlm:name"],
        # A model has no place.
        "geometry": None,
        "properties": properties,
        "links": [],
        "assets": {
            "model": {
                "href": f"./{path.name}",
                "type": media_type,
                "title": f"{facts.system}, {framework}",
                "roles": ["mlm:model", "mlm:weights"],
                "mlm:artifact_type": "keras_rsseg.export_model",
            }
        },
    }


def _input(facts: ExportedFacts) -> dict[str, Any]:
    bands = facts.bands
    if isinstance(bands, int):
        bands = [f"band_{index + 1}" for index in range(bands)]
    described = "Values as they are in the image"
    if facts.input_scale != 1:
        described = f"Values divided by {facts.input_scale:g}"
    entry: dict[str, Any] = {
        "name": "tiles",
        "bands": [{"name": name} for name in bands],
        "input": {
            "shape": _shape(facts.input_shape),
            "dim_order": _LAYOUTS[facts.data_format],
            "data_type": "float32",
        },
        "description": f"{described}; they are normalised in the file",
        "resize_type": None,
        "pre_processing_function": None,
    }
    if facts.value_range is not None:
        low, high = np.asarray(facts.value_range) / facts.input_scale
        entry["description"] += f". From {low:g} to {high:g}"
    return entry


def _output(facts: ExportedFacts) -> dict[str, Any]:
    names = facts.class_names or [
        f"class {index}" for index in range(facts.num_classes)
    ]
    classes: list[dict[str, Any]] = [
        {"value": index, "name": _name(name), "title": name}
        for index, name in enumerate(names)
    ]
    for entry, color in zip(
        classes, facts.display_palette or facts.palette or [], strict=False
    ):
        entry["color_hint"] = "".join(f"{part:02X}" for part in color)
    return {
        "name": facts.output,
        "tasks": ["semantic-segmentation"],
        "result": {
            "shape": _shape(facts.output_shape),
            "dim_order": [
                "class" if axis == "channel" else axis
                for axis in _LAYOUTS[facts.data_format]
            ],
            "data_type": "float32",
        },
        "classification:classes": classes,
        "post_processing_function": None,
    }


def _shape(shape: tuple[int | None, ...]) -> list[int]:
    return [-1 if length is None else length for length in shape]


def _name(text: str) -> str:
    """A text without characters that the extension forbids in names."""
    name = re.sub(r"[^0-9a-zA-Z_-]+", "_", text).strip("_-")
    return name if re.match("[a-zA-Z]..", name) else f"model_{name}"
