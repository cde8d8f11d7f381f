"""A small task of every system, quick to export."""

import keras
import numpy as np

import keras_rsseg
from keras_rsseg.systems import SYSTEMS
from tests.models.tiny_encoder import TinyEncoder

_FILTERS = {"filters": 8}
ARGUMENTS = {
    "CCNet": _FILTERS,
    "DANet": _FILTERS,
    "DeepLabV3": {**_FILTERS, "dilation_rates": (2, 4)},
    "HRNet": {},
    "PFNet": {
        "fpn_dim": 8,
        "match_dim": 4,
        "max_pool_size": 3,
        "avg_pool_size": 2,
        "num_boundary_points": 5,
    },
    "PSPNet": {"filters": 32, "pooling_filters": 32},
    "SemanticFPN": {"fpn_dim": 8},
}


def make_encoder(system):
    """Return an encoder that the system takes."""
    if system != "HRNet":
        return TinyEncoder()
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
        **arguments: of the task.
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
            # Attention, which starts at zero.
            variable.assign([0.7])
        if "flow" in variable.path and variable.path.endswith("kernel"):
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return model


assert set(ARGUMENTS) == set(SYSTEMS)
