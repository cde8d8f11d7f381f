"""Pure tensor functions for any Keras backend."""

from keras_rsseg.ops.adaptive_pool import adaptive_average_pool
from keras_rsseg.ops.adaptive_pool import adaptive_max_pool
from keras_rsseg.ops.attention import attend
from keras_rsseg.ops.boundary import boundary_band
from keras_rsseg.ops.flow_warp import flow_warp
from keras_rsseg.ops.grid_sample import grid_sample
from keras_rsseg.ops.max_pool import max_pool
from keras_rsseg.ops.padded_conv import depthwise_conv
from keras_rsseg.ops.padded_conv import padded_conv
from keras_rsseg.ops.points import gather_points
from keras_rsseg.ops.points import sample_points
from keras_rsseg.ops.points import scatter_points
from keras_rsseg.ops.rectify import rectify
from keras_rsseg.ops.resize import resize
from keras_rsseg.ops.upsampled_conv import upsampled_conv

__all__ = [
    "adaptive_average_pool",
    "adaptive_max_pool",
    "attend",
    "boundary_band",
    "depthwise_conv",
    "flow_warp",
    "gather_points",
    "grid_sample",
    "max_pool",
    "padded_conv",
    "rectify",
    "resize",
    "sample_points",
    "scatter_points",
    "upsampled_conv",
]
