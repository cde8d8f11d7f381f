"""Metrics for masks with void pixels."""

from keras_rsseg.metrics.boundary_f1 import BoundaryF1
from keras_rsseg.metrics.confusion_metric import ConfusionMetric
from keras_rsseg.metrics.confusion_scores import ConfusionScores
from keras_rsseg.metrics.mean_f1 import MeanF1
from keras_rsseg.metrics.mean_iou import MeanIoU
from keras_rsseg.metrics.mean_precision import MeanPrecision
from keras_rsseg.metrics.mean_recall import MeanRecall
from keras_rsseg.metrics.pixel_accuracy import PixelAccuracy
from keras_rsseg.metrics.segmentation_metric import SegmentationMetric
from keras_rsseg.metrics.segmentation_scores import SegmentationScores

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
