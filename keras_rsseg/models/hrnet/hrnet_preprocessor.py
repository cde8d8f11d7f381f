import keras
import keras_hub

from keras_rsseg.models.hrnet.hrnet_backbone import HRNetBackbone
from keras_rsseg.models.hrnet.hrnet_image_converter import HRNetImageConverter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class HRNetPreprocessor(keras_hub.models.ImageSegmenterPreprocessor):
    """Normalises the tiles of `keras_rsseg.HRNet`, leaves masks alone."""

    backbone_cls = HRNetBackbone
    image_converter_cls = HRNetImageConverter
