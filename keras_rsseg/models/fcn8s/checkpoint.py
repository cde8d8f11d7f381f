"""Checkpoints of FCN-8s on VGG-16, in the layout of a PyTorch port.

Source: wkentaro/pytorch-fcn (MIT), whose weights for PASCAL VOC come from the
authors' Caffe network. They take blue, green and red from 0 to 255 minus their
means, (104.007, 116.669, 122.679), not scaled: such a preset needs an image
converter with `scale=1` and the negative means as offsets, and tiles with this
order of bands.
"""

import functools

from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.vgg_encoder import VGGEncoder
from keras_rsseg.models.fcn8s.fcn8s import FCN8s

_RULES = [
    (r"block(?P<block>\d)_conv(?P<conv>\d)", "conv{block}_{conv}"),
    (r"(?P<name>fc[67])", "{name}"),
    ("classifier", "score_fr"),
    ("classifier_P4", "score_pool4"),
    ("classifier_P3", "score_pool3"),
    ("upsample_P4", "upscore2"),
    ("upsample_P3", "upscore_pool4"),
    ("upsample_tile", "upscore8"),
]

VARIANTS = {
    "fcn8s_vgg16": Variant(
        functools.partial(VGGEncoder, 16, first_padding=100), _RULES, FCN8s
    ),
}
