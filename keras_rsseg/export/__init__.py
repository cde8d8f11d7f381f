"""Export models to files for other runtimes, each checked by running it."""

from keras_rsseg.export.check_file import Difference
from keras_rsseg.export.export_model import ExportResult
from keras_rsseg.export.export_model import export_model
from keras_rsseg.export.qgis import deepness_properties
from keras_rsseg.export.stac_item import stac_item

__all__ = [
    "Difference",
    "ExportResult",
    "deepness_properties",
    "export_model",
    "stac_item",
]
