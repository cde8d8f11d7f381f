"""An HRNet in place of `hrnet_w18`, built and converted in a second."""

import dataclasses
import functools

from keras_rsseg.encoders.hrnet_encoder import HRNetEncoder
from keras_rsseg.models.hrnet import checkpoint
from tests.test_case import to_numpy

# It has layers of every kind.
TINY = dataclasses.replace(
    checkpoint.VARIANTS["hrnet_w18"],
    encoder=functools.partial(
        HRNetEncoder,
        width=2,
        stackwise_num_modules=(1, 1, 1),
        num_blocks=1,
        num_bottlenecks=2,
        bottleneck_filters=2,
    ),
)


def use_tiny_hrnet(monkeypatch):
    """Replace `hrnet_w18` by the tiny one."""
    monkeypatch.setitem(checkpoint.VARIANTS, "hrnet_w18", TINY)


def torch_state(model, variant=TINY):
    """Return a model's weights under PyTorch's names."""
    name_of = variant.name_of
    state = {}
    for weight in model.weights:
        value = to_numpy(weight)
        if value.ndim == 4:
            value = value.transpose(3, 2, 0, 1)
        state[name_of(weight.path)] = value
    return state
