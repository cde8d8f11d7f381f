"""Checkpoints of HRNetV2 segmentation networks.

Source: the PyTorch code of the HRNet authors (HRNet-Semantic-Segmentation,
its branches share names), MIT licence. Their networks were trained with
corners aligned or not, which no checkpoint says: look up
`MODEL.ALIGN_CORNERS` in the training configuration, `True` if it is absent on
the HRNet-OCR branch, `False` on the older ones.

With `fusion="ifwm"` the same checkpoint becomes an HRNet with the flow of
IFWM, which starts at zero: its outputs are those of the checkpoint's network
until it is trained.
"""

import functools
import re

from keras_rsseg.encoders.checkpoint import HRNET_RULES
from keras_rsseg.encoders.checkpoint_variant import State
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.hrnet_encoder import HRNetEncoder
from keras_rsseg.models.hrnet.hrnet import HRNet

_RULES = [
    *HRNET_RULES,
    *conv_bn_rules("fusion/conv", "last_layer.0", "last_layer.1"),
    ("classifier", "last_layer.3"),
]
_FLOW = re.compile(r"stage\d_module\d_fuse\dto\d_warp/flow_conv/.+")


def is_flow(path: str) -> bool:
    """Whether a variable, by its path, is of a flow: no checkpoint has it."""
    return _FLOW.fullmatch(path) is not None


def strip_training_wrapper(state: State) -> State:
    """Undo the wrapper that the training script puts around network and loss.

    It saves `model.conv1.weight` for `conv1.weight`, and the class weights of
    the loss, which are not part of the network.

    Args:
        state: dict from name to array.

    Returns:
        A dict with the network's own names.
    """
    names = [name for name in state if not name.startswith("loss.")]
    if not all(name.startswith("model.") for name in names):
        return state
    return {name.removeprefix("model."): state[name] for name in names}


VARIANTS = {
    f"hrnet_w{width}": Variant(
        functools.partial(HRNetEncoder, width=width),
        _RULES,
        HRNet,
        encoder_options=("align_corners", "fusion"),
        required=("align_corners",),
        prepare=strip_training_wrapper,
        is_new=is_flow,
    )
    for width in (18, 32, 48)
}
