import keras
import keras_hub

from keras_rsseg.models.deeplab_v3.deeplab_v3_backbone import DeepLabV3Backbone
from keras_rsseg.models.deeplab_v3.deeplab_v3_image_converter import (
    DeepLabV3ImageConverter,
)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DeepLabV3Preprocessor(keras_hub.models.ImageSegmenterPreprocessor):
    """Normalises the tiles of `keras_rsseg.DeepLabV3`, leaves masks alone."""

    backbone_cls = DeepLabV3Backbone
    image_converter_cls = DeepLabV3ImageConverter
