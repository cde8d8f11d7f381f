"""Remote-sensing semantic segmentation on Keras 3.

Names are imported when they are first used: `keras-rsseg --help` should not
wait for a deep-learning framework, nor should a program that only cuts tiles.
"""

import importlib
import sys
from typing import TYPE_CHECKING
from typing import Any

from keras_rsseg._version import __version__ as __version__
from keras_rsseg.systems import SYSTEMS as _SYSTEMS

if TYPE_CHECKING:  # What editors and mypy see of the names below.
    from keras_rsseg import beam as beam
    from keras_rsseg import data as data
    from keras_rsseg import datasets as datasets
    from keras_rsseg import encoders as encoders
    from keras_rsseg import errors as errors
    from keras_rsseg import evaluation as evaluation
    from keras_rsseg import export as export
    from keras_rsseg import layers as layers
    from keras_rsseg import losses as losses
    from keras_rsseg import metrics as metrics
    from keras_rsseg import models as models
    from keras_rsseg import ops as ops
    from keras_rsseg import scenes as scenes
    from keras_rsseg import training as training
    from keras_rsseg import visualize as visualize
    from keras_rsseg.evaluation.evaluate import evaluate as evaluate
    from keras_rsseg.export.export_model import export_model as export_model
    from keras_rsseg.hub.registry import DEFAULT_PRESET as DEFAULT_PRESET
    from keras_rsseg.hub.registry import list_presets as list_presets
    from keras_rsseg.models import DGMN as DGMN
    from keras_rsseg.models import FCN as FCN
    from keras_rsseg.models import GSCNN as GSCNN
    from keras_rsseg.models import CCNet as CCNet
    from keras_rsseg.models import DANet as DANet
    from keras_rsseg.models import DeepLabV3 as DeepLabV3
    from keras_rsseg.models import DeepLabV3Plus as DeepLabV3Plus
    from keras_rsseg.models import DenseASPP as DenseASPP
    from keras_rsseg.models import EMANet as EMANet
    from keras_rsseg.models import EncNet as EncNet
    from keras_rsseg.models import FarSeg as FarSeg
    from keras_rsseg.models import FCN8s as FCN8s
    from keras_rsseg.models import HRNet as HRNet
    from keras_rsseg.models import OCNet as OCNet
    from keras_rsseg.models import PFNet as PFNet
    from keras_rsseg.models import PointRend as PointRend
    from keras_rsseg.models import PSPNet as PSPNet
    from keras_rsseg.models import RANet as RANet
    from keras_rsseg.models import RefineNet as RefineNet
    from keras_rsseg.models import SemanticFPN as SemanticFPN
    from keras_rsseg.models import SFNet as SFNet
    from keras_rsseg.models import UNet as UNet
    from keras_rsseg.models import UPerNet as UPerNet
    from keras_rsseg.models import from_preset as from_preset
    from keras_rsseg.models import (
        optimize_for_inference as optimize_for_inference,
    )
    from keras_rsseg.models import upload_preset as upload_preset
    from keras_rsseg.scenes.predict_scene import predict_scene as predict_scene
    from keras_rsseg.scenes.predict_scenes import (
        predict_scenes as predict_scenes,
    )
    from keras_rsseg.training.train import train as train

_MODULES = (
    "beam",
    "data",
    "datasets",
    "encoders",
    "errors",
    "evaluation",
    "export",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "scenes",
    "training",
    "visualize",
)
_HOMES = {
    **dict.fromkeys(_SYSTEMS, "models"),
    "DEFAULT_PRESET": "hub.registry",
    "evaluate": "evaluation",
    "export_model": "export",
    "from_preset": "models",
    "list_presets": "hub.registry",
    "optimize_for_inference": "models",
    "predict_scene": "scenes",
    "predict_scenes": "scenes",
    "train": "training",
    "upload_preset": "models",
}

__all__ = sorted([*_MODULES, *_HOMES])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"keras_rsseg.{name}")
    if name in _HOMES:
        home = importlib.import_module(f"keras_rsseg.{_HOMES[name]}")
        return getattr(home, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


if "keras" in sys.modules:
    # Registers the classes that `keras.saving.load_model()` looks up.
    importlib.import_module("keras_rsseg.models")
