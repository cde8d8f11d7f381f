import keras

from keras_rsseg.models.deeplab_v3.deeplab_v3_backbone import DeepLabV3Backbone
from keras_rsseg.models.tile_converter import TileConverter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DeepLabV3ImageConverter(TileConverter):
    """The `keras_rsseg.models.TileConverter` of `keras_rsseg.DeepLabV3`."""

    backbone_cls = DeepLabV3Backbone
