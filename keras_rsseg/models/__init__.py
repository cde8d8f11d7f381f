"""Systems: a backbone, a task and its preprocessing each."""

import keras_rsseg.encoders  # noqa: F401  (presets name its classes)
from keras_rsseg.hub.registry import DEFAULT_PRESET
from keras_rsseg.hub.registry import list_presets
from keras_rsseg.models.from_preset import from_preset
from keras_rsseg.models.hrnet import hrnet_presets as _hrnet_presets  # noqa: F401
from keras_rsseg.models.hrnet.hrnet import HRNet
from keras_rsseg.models.hrnet.hrnet_backbone import HRNetBackbone
from keras_rsseg.models.hrnet.hrnet_image_converter import HRNetImageConverter
from keras_rsseg.models.hrnet.hrnet_preprocessor import HRNetPreprocessor
from keras_rsseg.models.pfnet.pfnet import PFNet
from keras_rsseg.models.pfnet.pfnet_backbone import PFNetBackbone
from keras_rsseg.models.pfnet.pfnet_image_converter import PFNetImageConverter
from keras_rsseg.models.pfnet.pfnet_preprocessor import PFNetPreprocessor
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.models.semantic_fpn.semantic_fpn import SemanticFPN
from keras_rsseg.models.semantic_fpn.semantic_fpn_backbone import (
    SemanticFPNBackbone,
)
from keras_rsseg.models.semantic_fpn.semantic_fpn_image_converter import (
    SemanticFPNImageConverter,
)
from keras_rsseg.models.semantic_fpn.semantic_fpn_preprocessor import (
    SemanticFPNPreprocessor,
)
from keras_rsseg.models.tile_converter import TileConverter

__all__ = [
    "DEFAULT_PRESET",
    "HRNet",
    "HRNetBackbone",
    "HRNetImageConverter",
    "HRNetPreprocessor",
    "PFNet",
    "PFNetBackbone",
    "PFNetImageConverter",
    "PFNetPreprocessor",
    "Segmenter",
    "SemanticFPN",
    "SemanticFPNBackbone",
    "SemanticFPNImageConverter",
    "SemanticFPNPreprocessor",
    "TileConverter",
    "from_preset",
    "list_presets",
]
