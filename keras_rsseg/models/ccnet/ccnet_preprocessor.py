import keras
import keras_hub

from keras_rsseg.models.ccnet.ccnet_backbone import CCNetBackbone
from keras_rsseg.models.ccnet.ccnet_image_converter import CCNetImageConverter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class CCNetPreprocessor(keras_hub.models.ImageSegmenterPreprocessor):
    """Normalises the tiles of `keras_rsseg.CCNet`, leaves masks alone."""

    backbone_cls = CCNetBackbone
    image_converter_cls = CCNetImageConverter
