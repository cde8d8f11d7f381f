"""Metrics for masks with void pixels."""

from keras_rsseg.metrics.boundary_f1 import BoundaryF1
from keras_rsseg.metrics.confusion_metric import ConfusionMetric
from keras_rsseg.metrics.confusion_metric import MeanF1
from keras_rsseg.metrics.confusion_metric import MeanIoU
from keras_rsseg.metrics.confusion_metric import MeanPrecision
from keras_rsseg.metrics.confusion_metric import MeanRecall
from keras_rsseg.metrics.confusion_metric import PixelAccuracy
from keras_rsseg.metrics.confusion_metric import SegmentationScores
from keras_rsseg.metrics.confusion_scores import ConfusionScores
from keras_rsseg.metrics.segmentation_metric import SegmentationMetric

__all__ = [
    "BoundaryF1",
    "ConfusionMetric",
    "ConfusionScores",
    "MeanF1",
    "MeanIoU",
    "MeanPrecision",
    "MeanRecall",
    "PixelAccuracy",
    "SegmentationMetric",
    "SegmentationScores",
]
