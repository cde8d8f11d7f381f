"""Replacements for what `keras-rsseg predict` loads."""

import importlib

from tests.scenes.scene_files import threshold_model


class Model:
    """A task with known results, in place of a trained one."""

    bands = ("red", "green", "blue")
    num_classes = 4
    class_names = ["building", "land", "road", "water"]
    palette = [(60, 16, 152), (132, 41, 246), (110, 193, 228), (226, 169, 41)]
    ground_sample_distance = 0.5

    def predict_on_batch(self, tiles):
        return threshold_model(tiles)


def scenes_module():
    """The module, which shares its name with a function in it."""
    return importlib.import_module("keras_rsseg.scenes.predict_scenes")
