import keras

from keras_rsseg.models.semantic_fpn.semantic_fpn_backbone import (
    SemanticFPNBackbone,
)
from keras_rsseg.models.tile_converter import TileConverter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SemanticFPNImageConverter(TileConverter):
    """The `keras_rsseg.models.TileConverter` of `keras_rsseg.SemanticFPN`."""

    backbone_cls = SemanticFPNBackbone
