"""Systems: each a backbone, a task and its preprocessing.

The classes of every system in `keras_rsseg.systems.SYSTEMS` are here: `CCNet`
is the task, `CCNetBackbone` its network, `CCNetImageConverter` and
`CCNetPreprocessor` normalise its tiles.
"""

import importlib
from typing import TYPE_CHECKING
from typing import Any

# Part of the hub, but imported here: a preset is loaded before its upload,
# which needs the classes below.
from keras_rsseg.hub.publish import upload_preset
from keras_rsseg.models.optimize_for_inference import optimize_for_inference
from keras_rsseg.models.preprocessing import TileConverter
from keras_rsseg.models.preset_task import from_preset
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.systems import SYSTEMS as _SYSTEMS

if TYPE_CHECKING:  # For editors and mypy; the loop below is for Python.
    from keras_rsseg.models.ccnet.ccnet import CCNet as CCNet
    from keras_rsseg.models.ccnet.ccnet import CCNetBackbone as CCNetBackbone
    from keras_rsseg.models.danet.danet import DANet as DANet
    from keras_rsseg.models.danet.danet import DANetBackbone as DANetBackbone
    from keras_rsseg.models.deeplab_v3.deeplab_v3 import DeepLabV3 as DeepLabV3
    from keras_rsseg.models.deeplab_v3.deeplab_v3 import (
        DeepLabV3Backbone as DeepLabV3Backbone,
    )
    from keras_rsseg.models.deeplab_v3_plus.deeplab_v3_plus import (
        DeepLabV3Plus as DeepLabV3Plus,
    )
    from keras_rsseg.models.deeplab_v3_plus.deeplab_v3_plus import (
        DeepLabV3PlusBackbone as DeepLabV3PlusBackbone,
    )
    from keras_rsseg.models.denseaspp.denseaspp import DenseASPP as DenseASPP
    from keras_rsseg.models.denseaspp.denseaspp import (
        DenseASPPBackbone as DenseASPPBackbone,
    )
    from keras_rsseg.models.dgmn.dgmn import DGMN as DGMN
    from keras_rsseg.models.dgmn.dgmn import DGMNBackbone as DGMNBackbone
    from keras_rsseg.models.emanet.emanet import EMANet as EMANet
    from keras_rsseg.models.emanet.emanet import (
        EMANetBackbone as EMANetBackbone,
    )
    from keras_rsseg.models.encnet.encnet import EncNet as EncNet
    from keras_rsseg.models.encnet.encnet import (
        EncNetBackbone as EncNetBackbone,
    )
    from keras_rsseg.models.farseg.farseg import FarSeg as FarSeg
    from keras_rsseg.models.farseg.farseg import (
        FarSegBackbone as FarSegBackbone,
    )
    from keras_rsseg.models.fcn.fcn import FCN as FCN
    from keras_rsseg.models.fcn.fcn import FCNBackbone as FCNBackbone
    from keras_rsseg.models.fcn8s.fcn8s import FCN8s as FCN8s
    from keras_rsseg.models.fcn8s.fcn8s import FCN8sBackbone as FCN8sBackbone
    from keras_rsseg.models.gscnn.gscnn import GSCNN as GSCNN
    from keras_rsseg.models.gscnn.gscnn import GSCNNBackbone as GSCNNBackbone
    from keras_rsseg.models.hrnet.hrnet import HRNet as HRNet
    from keras_rsseg.models.hrnet.hrnet import HRNetBackbone as HRNetBackbone
    from keras_rsseg.models.ocnet.ocnet import OCNet as OCNet
    from keras_rsseg.models.ocnet.ocnet import OCNetBackbone as OCNetBackbone
    from keras_rsseg.models.pfnet.pfnet import PFNet as PFNet
    from keras_rsseg.models.pfnet.pfnet import PFNetBackbone as PFNetBackbone
    from keras_rsseg.models.pointrend.pointrend import PointRend as PointRend
    from keras_rsseg.models.pointrend.pointrend import (
        PointRendBackbone as PointRendBackbone,
    )
    from keras_rsseg.models.pspnet.pspnet import PSPNet as PSPNet
    from keras_rsseg.models.pspnet.pspnet import (
        PSPNetBackbone as PSPNetBackbone,
    )
    from keras_rsseg.models.ranet.ranet import RANet as RANet
    from keras_rsseg.models.ranet.ranet import RANetBackbone as RANetBackbone
    from keras_rsseg.models.refinenet.refinenet import RefineNet as RefineNet
    from keras_rsseg.models.refinenet.refinenet import (
        RefineNetBackbone as RefineNetBackbone,
    )
    from keras_rsseg.models.semantic_fpn.semantic_fpn import (
        SemanticFPN as SemanticFPN,
    )
    from keras_rsseg.models.semantic_fpn.semantic_fpn import (
        SemanticFPNBackbone as SemanticFPNBackbone,
    )
    from keras_rsseg.models.sfnet.sfnet import SFNet as SFNet
    from keras_rsseg.models.sfnet.sfnet import SFNetBackbone as SFNetBackbone
    from keras_rsseg.models.unet.unet import UNet as UNet
    from keras_rsseg.models.unet.unet import UNetBackbone as UNetBackbone
    from keras_rsseg.models.upernet.upernet import UPerNet as UPerNet
    from keras_rsseg.models.upernet.upernet import (
        UPerNetBackbone as UPerNetBackbone,
    )

    def __getattr__(name: str) -> Any:
        """Type of the image converters and preprocessors, which are made."""


__all__ = [
    "SegmentationBackbone",
    "Segmenter",
    "TileConverter",
    "from_preset",
    "optimize_for_inference",
    "upload_preset",
]
for _task, _folder in _SYSTEMS.items():
    _module = importlib.import_module(f"keras_rsseg.models.{_folder}.{_folder}")
    for _suffix in ("", "Backbone", "ImageConverter", "Preprocessor"):
        globals()[_task + _suffix] = getattr(_module, _task + _suffix)
        __all__.append(_task + _suffix)
