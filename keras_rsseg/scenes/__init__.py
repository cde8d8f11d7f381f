"""Scenes to maps: windows, blending, writing. Knows no model."""

from keras_rsseg.scenes.class_writer import ClassWriter
from keras_rsseg.scenes.ground_size import ground_pixel_size
from keras_rsseg.scenes.legend import Legend
from keras_rsseg.scenes.predict_scene import SceneResult
from keras_rsseg.scenes.predict_scene import predict_scene
from keras_rsseg.scenes.preview import write_preview
from keras_rsseg.scenes.scene_paths import check_paths
from keras_rsseg.scenes.scene_reader import SceneReader
from keras_rsseg.scenes.scene_source import open_scene

__all__ = [
    "ClassWriter",
    "Legend",
    "SceneReader",
    "SceneResult",
    "check_paths",
    "ground_pixel_size",
    "open_scene",
    "predict_scene",
    "write_preview",
]
