import keras

from keras_rsseg.models.pfnet.pfnet_backbone import PFNetBackbone
from keras_rsseg.models.tile_converter import TileConverter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PFNetImageConverter(TileConverter):
    """The `keras_rsseg.models.TileConverter` of `keras_rsseg.PFNet`."""

    backbone_cls = PFNetBackbone
