"""Reusable Keras layers."""

from keras_rsseg.layers.atrous_pyramid_pooling import AtrousPyramidPooling
from keras_rsseg.layers.attention import ChannelAttention
from keras_rsseg.layers.attention import CrissCrossAttention
from keras_rsseg.layers.attention import DenseAffinity
from keras_rsseg.layers.attention import PositionAttention
from keras_rsseg.layers.context_encoding import ContextEncoding
from keras_rsseg.layers.conv_bn_relu import BatchNorm
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.crop_like import CropLike
from keras_rsseg.layers.deformable_conv import DeformableConv
from keras_rsseg.layers.depthwise_conv import DepthwiseConv
from keras_rsseg.layers.expectation_maximization import ExpectationMaximization
from keras_rsseg.layers.flow_alignment import FlowAlignment
from keras_rsseg.layers.flow_conv import FlowConv
from keras_rsseg.layers.foreground_scene_relation import ForegroundSceneRelation
from keras_rsseg.layers.improved_flow_warp import ImprovedFlowWarp
from keras_rsseg.layers.message_passing import MessagePassing
from keras_rsseg.layers.object_context import ObjectContext
from keras_rsseg.layers.point_flow import PointFlow
from keras_rsseg.layers.point_matcher import FlowPoints
from keras_rsseg.layers.point_rend import PointRefinement
from keras_rsseg.layers.point_rend import UncertainPoints
from keras_rsseg.layers.pyramid_fusion import PyramidFusion
from keras_rsseg.layers.pyramid_ladders import PyramidLadders
from keras_rsseg.layers.pyramid_pooling import PyramidPooling
from keras_rsseg.layers.relation import ChannelRelation
from keras_rsseg.layers.relation import SpatialRelation
from keras_rsseg.layers.resize_like import ResizeLike
from keras_rsseg.layers.separable_conv_bn_relu import SeparableConvBNReLU

__all__ = [
    "AtrousPyramidPooling",
    "BatchNorm",
    "ChannelAttention",
    "ChannelRelation",
    "ContextEncoding",
    "ConvBNReLU",
    "CrissCrossAttention",
    "CropLike",
    "DeformableConv",
    "DenseAffinity",
    "DepthwiseConv",
    "ExpectationMaximization",
    "FlowAlignment",
    "FlowConv",
    "FlowPoints",
    "ForegroundSceneRelation",
    "ImprovedFlowWarp",
    "MessagePassing",
    "ObjectContext",
    "PointFlow",
    "PointRefinement",
    "PositionAttention",
    "PyramidFusion",
    "PyramidLadders",
    "PyramidPooling",
    "ResizeLike",
    "SpatialRelation",
    "SeparableConvBNReLU",
    "SeparableConvBNReLU",
    "UncertainPoints",
]
