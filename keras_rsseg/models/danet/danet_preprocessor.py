import keras
import keras_hub

from keras_rsseg.models.danet.danet_backbone import DANetBackbone
from keras_rsseg.models.danet.danet_image_converter import DANetImageConverter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DANetPreprocessor(keras_hub.models.ImageSegmenterPreprocessor):
    """Normalises the tiles of `keras_rsseg.DANet`, leaves masks alone."""

    backbone_cls = DANetBackbone
    image_converter_cls = DANetImageConverter
