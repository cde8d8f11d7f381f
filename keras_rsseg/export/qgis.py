"""Metadata that the QGIS plugin Deepness and GeoDeep read from ONNX files."""

import json

from keras_rsseg.errors import ArgumentError
from keras_rsseg.scenes.exported.exported_facts import ExportedFacts


def deepness_properties(facts: ExportedFacts) -> dict[str, str]:
    """Return the metadata from which the plugin fills in its form.

    Each value is JSON. The plugin divides bytes by 255, standardises them by
    a mean of 0 and a deviation of 1, and takes each pixel's most probable
    class among those above a threshold, which is therefore 0.

    Args:
        facts: what the file states about its model.

    Raises:
        ArgumentError: the model does not take bytes.

    Example:

    ```python
    from keras_rsseg.export.qgis import deepness_properties
    from keras_rsseg.scenes.exported.exported_facts import ExportedFacts

    facts = ExportedFacts(
        system="PFNet",
        version="1.0",
        num_classes=2,
        class_names=["land", "water"],
        bands=["red", "green", "blue"],
        ground_sample_distance=0.8,
        tile_size=512,
        overlap=128,
    )
    properties = deepness_properties(facts)
    properties["class_names"]  # '{"0": "land", "1": "water"}'
    properties["resolution"], properties["tiles_overlap"]  # ('80.0', '25')
    ```
    """
    check_takes_bytes(facts)
    names = facts.class_names or [
        f"class_{index}" for index in range(facts.num_classes)
    ]
    bands = facts.num_bands
    properties = {
        "model_type": "Segmentor",
        "class_names": {str(index): name for index, name in enumerate(names)},
        "tile_size": facts.tile_size,
        # As a percentage of a tile.
        "tiles_overlap": round(100 * facts.overlap / facts.tile_size),
        "seg_thresh": 0.0,
        # The plugin would fill patches smaller than this.
        "seg_small_segment": 0,
        "standardization_mean": [0.0] * bands,
        "standardization_std": [1.0] * bands,
    }
    if facts.ground_sample_distance is not None:
        # In centimetres per pixel.
        properties["resolution"] = round(100 * facts.ground_sample_distance, 6)
    return {name: json.dumps(value) for name, value in properties.items()}


def check_takes_bytes(facts: ExportedFacts) -> None:
    """Refuse a model that does not take bytes.

    Args:
        facts: what the file states about its model.

    Raises:
        ArgumentError: its tiles have any other range.
    """
    if facts.value_range not in (None, (0, 255)):
        raise ArgumentError(
            "`target='qgis'` is for models of 8-bit images: the plugin divides "
            f"bytes by 255. This one takes values of {facts.value_range}"
        )
