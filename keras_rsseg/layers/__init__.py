"""Reusable Keras layers."""

from keras_rsseg.layers.batch_norm import BatchNorm
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.point_flow import FlowPoints
from keras_rsseg.layers.point_flow import PointFlow
from keras_rsseg.layers.pyramid_fusion import PyramidFusion
from keras_rsseg.layers.pyramid_pooling import PyramidPooling
from keras_rsseg.layers.resize_like import ResizeLike

__all__ = [
    "BatchNorm",
    "ConvBNReLU",
    "FlowPoints",
    "PointFlow",
    "PyramidFusion",
    "PyramidPooling",
    "ResizeLike",
]
