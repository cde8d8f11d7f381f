import keras
import keras_hub

from keras_rsseg.models.pfnet.pfnet_backbone import PFNetBackbone
from keras_rsseg.models.pfnet.pfnet_image_converter import PFNetImageConverter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PFNetPreprocessor(keras_hub.models.ImageSegmenterPreprocessor):
    """Normalises the tiles of `keras_rsseg.PFNet`, leaves masks alone."""

    backbone_cls = PFNetBackbone
    image_converter_cls = PFNetImageConverter
