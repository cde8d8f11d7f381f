"""Draw what a network sees and what it predicts."""

from keras_rsseg.visualize.maps import plot_confidence
from keras_rsseg.visualize.maps import plot_overlay
from keras_rsseg.visualize.maps import plot_side_by_side
from keras_rsseg.visualize.points import ForegroundRatio
from keras_rsseg.visualize.points import SampledPoints
from keras_rsseg.visualize.points import plot_points
from keras_rsseg.visualize.points import point_foreground_ratio
from keras_rsseg.visualize.points import sampled_points

__all__ = [
    "ForegroundRatio",
    "SampledPoints",
    "plot_confidence",
    "plot_overlay",
    "plot_points",
    "plot_side_by_side",
    "point_foreground_ratio",
    "sampled_points",
]
