"""Losses for masks with void pixels."""

from keras_rsseg.losses.boundary_cross_entropy import BoundaryCrossEntropy
from keras_rsseg.losses.ohem_cross_entropy import OhemCrossEntropy

__all__ = ["BoundaryCrossEntropy", "OhemCrossEntropy"]
