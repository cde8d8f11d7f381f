"""Images and masks to tiles: windows, reading, palettes, tf.data."""

from keras_rsseg.data.augmentation import Augmentation
from keras_rsseg.data.boundaries import void_boundaries
from keras_rsseg.data.check import check
from keras_rsseg.data.check_report import CheckReport
from keras_rsseg.data.class_statistics import TileCounts
from keras_rsseg.data.class_statistics import class_weights
from keras_rsseg.data.class_statistics import count_classes
from keras_rsseg.data.class_statistics import count_tiles
from keras_rsseg.data.color_statistics import ColorStatistics
from keras_rsseg.data.color_statistics import ColorTransfer
from keras_rsseg.data.color_statistics import color_statistics
from keras_rsseg.data.join_neighbours import join_neighbours
from keras_rsseg.data.mix_datasets import mix_datasets
from keras_rsseg.data.normalisation import Normalisation
from keras_rsseg.data.normalisation import fit_normalisation
from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import UnlistedColorWarning
from keras_rsseg.data.protocols import PROTOCOLS
from keras_rsseg.data.protocols import TilingProtocol
from keras_rsseg.data.protocols import as_protocol
from keras_rsseg.data.protocols import paper_augmentation
from keras_rsseg.data.reading import read_image
from keras_rsseg.data.reading import read_mask
from keras_rsseg.data.split import train_validation_split
from keras_rsseg.data.tile_dataset import tile_dataset
from keras_rsseg.data.tile_records import tile_records
from keras_rsseg.data.tiling import join_tiles
from keras_rsseg.data.tiling import tile_starts
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.data.weigh_pixels import weigh_pixels
from keras_rsseg.rasters.windows import Window
from keras_rsseg.sample_checks import SampleWarning
from keras_rsseg.void import VOID

__all__ = [
    "Augmentation",
    "CheckReport",
    "ColorStatistics",
    "ColorTransfer",
    "Normalisation",
    "PROTOCOLS",
    "Palette",
    "SampleWarning",
    "TileCounts",
    "TilingProtocol",
    "UnlistedColorWarning",
    "VOID",
    "Window",
    "as_protocol",
    "check",
    "class_weights",
    "color_statistics",
    "count_classes",
    "count_tiles",
    "fit_normalisation",
    "join_neighbours",
    "join_tiles",
    "mix_datasets",
    "paper_augmentation",
    "read_image",
    "read_mask",
    "tile_dataset",
    "tile_records",
    "tile_starts",
    "tile_windows",
    "train_validation_split",
    "void_boundaries",
    "weigh_pixels",
]
