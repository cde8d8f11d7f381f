import keras

from keras_rsseg.models.hrnet.hrnet_backbone import HRNetBackbone
from keras_rsseg.models.tile_converter import TileConverter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class HRNetImageConverter(TileConverter):
    """The `keras_rsseg.models.TileConverter` of `keras_rsseg.HRNet`."""

    backbone_cls = HRNetBackbone
