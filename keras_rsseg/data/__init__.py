"""Images and masks to tiles: windows, reading, palettes, tf.data."""

from keras_rsseg.data.augmentation import Augmentation
from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import UnlistedColorWarning
from keras_rsseg.data.reading import read_image
from keras_rsseg.data.reading import read_mask
from keras_rsseg.data.tile_dataset import tile_dataset
from keras_rsseg.data.tiling import Window
from keras_rsseg.data.tiling import tile_starts
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.void import VOID

__all__ = [
    "Augmentation",
    "Palette",
    "VOID",
    "UnlistedColorWarning",
    "Window",
    "read_image",
    "read_mask",
    "tile_dataset",
    "tile_starts",
    "tile_windows",
]
