"""The builders, under their names in `tfds.load`. Imports TFDS."""

from keras_rsseg.datasets import dubai
from keras_rsseg.datasets import isaid
from keras_rsseg.datasets import loveda
from keras_rsseg.datasets import potsdam
from keras_rsseg.datasets import vaihingen
from keras_rsseg.datasets import whu_building
from keras_rsseg.datasets.scene_builder import SceneBuilder


class Dubai(SceneBuilder):
    layout = dubai.LAYOUT


class Isaid(SceneBuilder):
    layout = isaid.LAYOUT


class LoveDA(SceneBuilder):
    layout = loveda.LAYOUT


class Potsdam(SceneBuilder):
    layout = potsdam.LAYOUT


class Vaihingen(SceneBuilder):
    layout = vaihingen.LAYOUT


class WhuBuilding(SceneBuilder):
    layout = whu_building.LAYOUT
