"""A small task of every system, quick to export."""

import keras
import numpy as np

import keras_rsseg
from keras_rsseg.systems import SYSTEMS
from tests.models.tiny_encoder import TinyEncoder

_FILTERS = {"filters": 8}
_ATROUS = {**_FILTERS, "dilation_rates": (2, 4)}
ARGUMENTS = {
    "CCNet": _FILTERS,
    "DANet": _FILTERS,
    "DGMN": {**_ATROUS, "context_filters": 8},
    "DeepLabV3": _ATROUS,
    "DeepLabV3Plus": {**_ATROUS, "skip_filters": 8},
    "DenseASPP": {**_ATROUS, "bottleneck_filters": 8},
    "EMANet": {"filters": 32, "context_filters": 32, "num_bases": 4},
    "EncNet": {"filters": 32, "num_codewords": 4},
    "FCN": {**_FILTERS, "auxiliary_filters": 8},
    "FCN8s": _FILTERS,
    "FarSeg": {"fpn_dim": 8, "decoder_filters": 8},
    "GSCNN": {"filters": 16, "fine_filters": 4, "dilation_rates": (1, 2)},
    "HRNet": {},
    "OCNet": {"filters": 32, "branch_filters": 16, "dilation_rates": (2, 4)},
    "PFNet": {
        "fpn_dim": 8,
        "match_dim": 4,
        "max_pool_size": 3,
        "avg_pool_size": 2,
        "num_boundary_points": 5,
    },
    "PSPNet": {"filters": 32, "pooling_filters": 32},
    "PointRend": {**_FILTERS, "coarse_filters": 16, "num_points": 50},
    "RANet": {},
    "RefineNet": _FILTERS,
    "SFNet": {"fpn_dim": 8},
    "SemanticFPN": {"fpn_dim": 8},
    "UNet": {"decoder_filters": (8, 8, 8, 4, 4)},
    "UPerNet": {**_FILTERS, "auxiliary_filters": 8},
}
# For the encoder of systems that do not take any.
_ENCODERS = {
    "GSCNN": {"levels": ("P1", "P2", "P3", "P4", "P5")},
    "UNet": {"levels": ("P1", "P2", "P3", "P4", "P5")},
    "RANet": {"image_shape": (64, 64, 3)},
}


def make_encoder(system):
    """Return an encoder for the system."""
    if system != "HRNet":
        return TinyEncoder(**_ENCODERS.get(system, {}))
    return keras_rsseg.encoders.HRNetEncoder(
        4,
        fusion="ifwm",
        stackwise_num_modules=(1, 1, 1),
        num_blocks=1,
    )


def make_model(system, **arguments):
    """Return a task with random weights and statistics, of three classes.

    Args:
        system: name of the task's class.
        **arguments: arguments of the task.
    """
    keras.utils.set_random_seed(0)
    cls = getattr(keras_rsseg, system)
    backbone = cls.backbone_cls(make_encoder(system), **ARGUMENTS[system])
    given = {
        "num_classes": 3,
        "class_names": ["land", "road", "water"],
        "palette": [(9, 9, 9), (200, 0, 0), (0, 0, 200)],
    }
    model = cls(backbone, **{**given, **arguments})
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if variable.path.endswith("moving_mean"):
            variable.assign(rng.normal(0, 0.1, variable.shape))
        if variable.path.endswith("moving_variance"):
            variable.assign(rng.uniform(0.2, 0.5, variable.shape))
        if variable.path.endswith("gamma") and variable.shape == (1,):
            # Attention weights that start at zero.
            variable.assign([0.7])
        if "flow" in variable.path and variable.path.endswith("kernel"):
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return model


assert set(ARGUMENTS) == set(SYSTEMS)
