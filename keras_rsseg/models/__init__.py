"""Systems: a backbone, a task and its preprocessing each."""

# Of the Hub, and here: what is uploaded is loaded first, for which the
# classes below must be known.
from keras_rsseg.hub.publish import upload_preset
from keras_rsseg.models.ccnet.ccnet import CCNet
from keras_rsseg.models.ccnet.ccnet_backbone import CCNetBackbone
from keras_rsseg.models.ccnet.ccnet_image_converter import CCNetImageConverter
from keras_rsseg.models.ccnet.ccnet_preprocessor import CCNetPreprocessor
from keras_rsseg.models.danet.danet import DANet
from keras_rsseg.models.danet.danet_backbone import DANetBackbone
from keras_rsseg.models.danet.danet_image_converter import DANetImageConverter
from keras_rsseg.models.danet.danet_preprocessor import DANetPreprocessor
from keras_rsseg.models.deeplab_v3.deeplab_v3 import DeepLabV3
from keras_rsseg.models.deeplab_v3.deeplab_v3_backbone import DeepLabV3Backbone
from keras_rsseg.models.deeplab_v3.deeplab_v3_image_converter import (
    DeepLabV3ImageConverter,
)
from keras_rsseg.models.deeplab_v3.deeplab_v3_preprocessor import (
    DeepLabV3Preprocessor,
)
from keras_rsseg.models.from_preset import from_preset
from keras_rsseg.models.hrnet.hrnet import HRNet
from keras_rsseg.models.hrnet.hrnet_backbone import HRNetBackbone
from keras_rsseg.models.hrnet.hrnet_image_converter import HRNetImageConverter
from keras_rsseg.models.hrnet.hrnet_preprocessor import HRNetPreprocessor
from keras_rsseg.models.optimize_for_inference import optimize_for_inference
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
    "CCNet",
    "CCNetBackbone",
    "CCNetImageConverter",
    "CCNetPreprocessor",
    "DANet",
    "DANetBackbone",
    "DANetImageConverter",
    "DANetPreprocessor",
    "DeepLabV3",
    "DeepLabV3Backbone",
    "DeepLabV3ImageConverter",
    "DeepLabV3Preprocessor",
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
    "optimize_for_inference",
    "upload_preset",
]
