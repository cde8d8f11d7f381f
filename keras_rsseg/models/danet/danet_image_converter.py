import keras

from keras_rsseg.models.danet.danet_backbone import DANetBackbone
from keras_rsseg.models.tile_converter import TileConverter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DANetImageConverter(TileConverter):
    """The `keras_rsseg.models.TileConverter` of `keras_rsseg.DANet`."""

    backbone_cls = DANetBackbone
