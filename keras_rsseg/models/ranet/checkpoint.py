"""Networks of RANet on VGG-16, as this package defines them.

Its authors published neither code nor weights. The variants state how a
PyTorch network with the same definition would name its tensors, and are bound
to tiles of 64 x 64 pixels.
"""

import functools

from keras_rsseg.encoders.checkpoint_variant import Rule
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.vgg_encoder import VGGEncoder
from keras_rsseg.models.ranet.ranet import RANet

# torchvision counts convolutions, activations and pools of VGG-16.
_FEATURES = {
    (1, 1): 0,
    (1, 2): 2,
    (2, 1): 5,
    (2, 2): 7,
    (3, 1): 10,
    (3, 2): 12,
    (3, 3): 14,
    (4, 1): 17,
    (4, 2): 19,
    (4, 3): 21,
    (5, 1): 24,
    (5, 2): 26,
    (5, 3): 28,
}


def _rules() -> list[Rule]:
    rules = [
        (f"block{block}_conv{conv}", f"features.{index}")
        for (block, conv), index in _FEATURES.items()
    ]
    for block, level in ((3, "P3"), (4, "P4"), (5, "P5")):
        classifier = "classifier" if level == "P3" else f"classifier_{level}"
        rules += [
            (
                f"(?P<kind>channel|spatial)_relation_{level}/(?P<part>u|v)",
                f"relation{block}.{{kind}}_{{part}}",
            ),
            (classifier, f"score{block}"),
        ]
    return rules


VARIANTS = {
    f"ranet_vgg16_{relation}_64x64": Variant(
        functools.partial(
            VGGEncoder, 16, levels_from="blocks", image_shape=(64, 64, 3)
        ),
        _rules(),
        RANet,
        {"relation": relation},
    )
    for relation in ("serial", "parallel")
}
