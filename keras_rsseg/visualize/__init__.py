"""What a network sees, drawn."""

from keras_rsseg.visualize.plot_points import plot_points
from keras_rsseg.visualize.point_foreground_ratio import ForegroundRatio
from keras_rsseg.visualize.point_foreground_ratio import point_foreground_ratio
from keras_rsseg.visualize.sampled_points import SampledPoints
from keras_rsseg.visualize.sampled_points import sampled_points

__all__ = [
    "ForegroundRatio",
    "SampledPoints",
    "plot_points",
    "point_foreground_ratio",
    "sampled_points",
]
