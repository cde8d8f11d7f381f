"""Losses for masks with void pixels."""

from keras_rsseg.losses.annealing import AdvanceAnnealing
from keras_rsseg.losses.annealing import Annealing
from keras_rsseg.losses.boundary_cross_entropy import BoundaryCrossEntropy
from keras_rsseg.losses.focal_loss import FocalLoss
from keras_rsseg.losses.focal_loss import ForegroundAwareLoss
from keras_rsseg.losses.image_weighted_cross_entropy import (
    ImageWeightedCrossEntropy,
)
from keras_rsseg.losses.ohem_cross_entropy import OhemCrossEntropy
from keras_rsseg.losses.presence_loss import PresenceLoss
from keras_rsseg.losses.region_loss import DiceLoss
from keras_rsseg.losses.region_loss import LovaszLoss
from keras_rsseg.losses.region_loss import RegionLoss
from keras_rsseg.losses.region_loss import TverskyLoss
from keras_rsseg.losses.segmentation_loss import SegmentationLoss

__all__ = [
    "AdvanceAnnealing",
    "Annealing",
    "BoundaryCrossEntropy",
    "DiceLoss",
    "FocalLoss",
    "ForegroundAwareLoss",
    "ImageWeightedCrossEntropy",
    "LovaszLoss",
    "OhemCrossEntropy",
    "PresenceLoss",
    "RegionLoss",
    "SegmentationLoss",
    "TverskyLoss",
]
