"""Metrics for masks with void pixels."""

from keras_rsseg.metrics.mean_iou import MeanIoU

__all__ = ["MeanIoU"]
