"""Images of roofs with their masks, and a small preset to fine-tune."""

import numpy as np

import keras_rsseg
from tests.data.files import write_raster
from tests.models.tiny_encoder import TinyEncoder

CLASSES = ["ground", "roof"]
# For a training of seconds.
QUICK = {
    "classes": CLASSES,
    "tile_size": 32,
    "batch_size": 2,
    "epochs": 2,
    "steps_per_epoch": 25,
    "learning_rate": 0.02,
    "progress": False,
}


def roofs(number, height=64, width=64, seed=0):
    """Return arrays of images, bright roofs on dark ground, and masks."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 90, (number, height, width, 3)).astype("uint8")
    masks = np.zeros((number, height, width), "uint8")
    for index in range(number):
        for _ in range(3):
            row, col = (
                random.integers(0, height - 24),
                random.integers(0, width - 24),
            )
            masks[index, row : row + 24, col : col + 24] = 1
    images[masks == 1] += 150
    return images, masks


def write_roofs(folder, number=5, distance=None, **options):
    """Write GeoTIFFs of roofs and return the folders of images and masks."""
    images, masks = roofs(number, **options)
    for name, arrays in (("images", images), ("masks", masks)):
        (folder / name).mkdir(parents=True)
        for index, array in enumerate(arrays):
            place = {}
            if distance is not None:
                place = {
                    "crs": "EPSG:32636",
                    "transform": (
                        *(distance, 0, 450000 + 1000 * index),
                        *(0, -distance, 100000),
                    ),
                }
            write_raster(folder / name / f"{index}.tif", array, **place)
    return folder / "images", folder / "masks"


def write_preset(folder, num_classes=5, distance=0.5):
    """Write a small preset of five classes."""
    backbone = keras_rsseg.models.SemanticFPNBackbone(
        TinyEncoder(), fpn_dim=8, context=None
    )
    model = keras_rsseg.SemanticFPN(
        backbone,
        num_classes,
        class_names=[f"class {index}" for index in range(num_classes)],
    )
    converter = model.preprocessor.image_converter
    converter.ground_sample_distance = distance
    model.save_to_preset(folder)
    return folder
