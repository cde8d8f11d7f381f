"""Encoders: an image in, a pyramid of feature maps out."""

from keras_rsseg.encoders.densenet_encoder import DenseNetEncoder
from keras_rsseg.encoders.hrnet_encoder import HRNetEncoder
from keras_rsseg.encoders.resnet_encoder import ResNetEncoder
from keras_rsseg.encoders.vgg_encoder import VGGEncoder
from keras_rsseg.encoders.wide_resnet_encoder import WideResNetEncoder

__all__ = [
    "DenseNetEncoder",
    "HRNetEncoder",
    "ResNetEncoder",
    "VGGEncoder",
    "WideResNetEncoder",
]
