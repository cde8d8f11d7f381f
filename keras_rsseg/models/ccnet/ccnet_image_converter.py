import keras

from keras_rsseg.models.ccnet.ccnet_backbone import CCNetBackbone
from keras_rsseg.models.tile_converter import TileConverter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class CCNetImageConverter(TileConverter):
    """The `keras_rsseg.models.TileConverter` of `keras_rsseg.CCNet`."""

    backbone_cls = CCNetBackbone
