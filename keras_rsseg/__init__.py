"""Remote-sensing semantic segmentation on Keras 3.

Names are imported when they are first used: `keras-rsseg --help` should not
wait for a deep-learning framework, nor should a program that only cuts tiles.
"""

import importlib
import sys

from keras_rsseg._version import __version__ as __version__

_MODULES = (
    "beam",
    "data",
    "datasets",
    "encoders",
    "errors",
    "evaluation",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "scenes",
    "visualize",
)
_HOMES = {
    "CCNet": "models",
    "DANet": "models",
    "DEFAULT_PRESET": "hub.registry",
    "DeepLabV3": "models",
    "HRNet": "models",
    "PFNet": "models",
    "SemanticFPN": "models",
    "evaluate": "evaluation",
    "from_preset": "models",
    "list_presets": "hub.registry",
    "optimize_for_inference": "models",
    "predict_scene": "scenes",
    "predict_scenes": "scenes",
    "upload_preset": "models",
}

__all__ = sorted([*_MODULES, *_HOMES])


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"keras_rsseg.{name}")
    if name in _HOMES:
        home = importlib.import_module(f"keras_rsseg.{_HOMES[name]}")
        return getattr(home, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])


if "keras" in sys.modules:
    # Registers the classes, for whom `keras.saving.load_model()` looks.
    importlib.import_module("keras_rsseg.models")
