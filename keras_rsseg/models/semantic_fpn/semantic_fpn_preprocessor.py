import keras
import keras_hub

from keras_rsseg.models.semantic_fpn.semantic_fpn_backbone import (
    SemanticFPNBackbone,
)
from keras_rsseg.models.semantic_fpn.semantic_fpn_image_converter import (
    SemanticFPNImageConverter,
)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SemanticFPNPreprocessor(keras_hub.models.ImageSegmenterPreprocessor):
    """Normalises the tiles of `keras_rsseg.SemanticFPN`, leaves masks alone."""

    backbone_cls = SemanticFPNBackbone
    image_converter_cls = SemanticFPNImageConverter
