"""From scenes to maps: windows, blending, writing. Knows no model."""

from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.exported.exported_model import ExportedModel
from keras_rsseg.scenes.exported.exported_model import load_exported
from keras_rsseg.scenes.many.scene_job import SceneJob
from keras_rsseg.scenes.many.scene_list import list_scenes
from keras_rsseg.scenes.many.scene_report import SceneOutcome
from keras_rsseg.scenes.many.scene_report import SceneReport
from keras_rsseg.scenes.maps.attribute_table import write_attribute_table
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.map_products import Product
from keras_rsseg.scenes.maps.map_products import check_paths
from keras_rsseg.scenes.maps.mosaic import write_mosaic
from keras_rsseg.scenes.maps.polygons import write_polygons
from keras_rsseg.scenes.maps.preview import write_preview
from keras_rsseg.scenes.maps.qgis_style import write_qgis_style
from keras_rsseg.scenes.predict_scene import SceneResult
from keras_rsseg.scenes.predict_scene import predict_scene
from keras_rsseg.scenes.predict_scenes import ScenesInterrupted
from keras_rsseg.scenes.predict_scenes import predict_scenes
from keras_rsseg.scenes.reading.area_of_interest import AreaOfInterest
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.scenes.reading.scene_file import open_scene
from keras_rsseg.scenes.reading.scene_reader import SceneReader

__all__ = [
    "AreaOfInterest",
    "ExportedModel",
    "Legend",
    "Product",
    "SceneJob",
    "SceneOptions",
    "SceneOutcome",
    "SceneReader",
    "SceneReport",
    "SceneResult",
    "ScenesInterrupted",
    "check_paths",
    "ground_pixel_size",
    "list_scenes",
    "load_exported",
    "open_scene",
    "predict_scene",
    "predict_scenes",
    "write_attribute_table",
    "write_mosaic",
    "write_polygons",
    "write_preview",
    "write_qgis_style",
]
