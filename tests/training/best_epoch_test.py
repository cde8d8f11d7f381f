"""The weights of the best epoch are kept, even across stops."""

import keras
import numpy as np
import pytest

from keras_rsseg.training.best_epoch import BestEpoch

NAN = float("nan")


def run(folder, scores, first=0):
    """Tell a callback of epochs, whose weights are the epochs' numbers."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    best = BestEpoch(folder)
    best.set_model(model)
    for epoch, score in enumerate(scores, first):
        model.set_weights([np.full((1, 1), epoch), np.zeros(1)])
        best.on_epoch_end(epoch, {"val_mean_iou": score})
    best.restore(model)
    return best, float(model.get_weights()[0][0, 0])


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([0.1, 0.3, 0.2], 1),
        ([0.3, 0.3], 0),
        ([NAN, 0.2, NAN], 1),
        ([NAN, NAN], 1),
    ],
)
def test_the_highest_score(tmp_path, scores, kept):
    best, weight = run(tmp_path, scores)
    assert best.epoch == kept + 1 and weight == kept


def test_it_is_known_after_a_stop(tmp_path):
    run(tmp_path, [0.1, 0.5])
    best, weight = run(tmp_path, [0.4, 0.2], first=2)
    assert (best.epoch, best.score, weight) == (2, 0.5, 1)
    assert run(tmp_path, [0.6], first=4)[0].epoch == 5
