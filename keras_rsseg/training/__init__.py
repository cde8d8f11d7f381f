"""From images and masks to a preset: what `keras-rsseg train` does.

Above all else but the command line: it checks and splits data, trains a model
with `fit`, scores it and writes a preset with its card and report.
"""

from keras_rsseg.training.best_epoch import BestEpoch
from keras_rsseg.training.epoch_backup import EpochBackup
from keras_rsseg.training.frozen_statistics import frozen_statistics
from keras_rsseg.training.seeded_epochs import SeededEpochs
from keras_rsseg.training.train import TrainingResult
from keras_rsseg.training.train import train
from keras_rsseg.training.warm_up import WarmUpDecay
from keras_rsseg.training_options import TrainingOptions

__all__ = [
    "BestEpoch",
    "EpochBackup",
    "SeededEpochs",
    "TrainingOptions",
    "TrainingResult",
    "WarmUpDecay",
    "frozen_statistics",
    "train",
]
