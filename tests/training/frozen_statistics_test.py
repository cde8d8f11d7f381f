"""Frozen statistics stay while all else learns, and later move again."""

import keras
import numpy as np

from keras_rsseg.training.frozen_statistics import frozen_statistics


def test_statistics_stay_and_the_rest_learns():
    keras.utils.set_random_seed(1)
    frozen_by_user = keras.layers.BatchNormalization(trainable=False)
    normalisation = keras.layers.BatchNormalization()
    inner = keras.Sequential([keras.layers.Dense(3), normalisation])
    model = keras.Sequential([inner, frozen_by_user, keras.layers.Dense(1)])
    batch = np.random.default_rng(1).normal(5, 1, (8, 2)), np.ones((8, 1))

    def step():
        model.compile(optimizer="sgd", loss="mse")
        model.train_on_batch(*batch)
        return [w.copy() for w in normalisation.get_weights()]

    first = step()
    kernel = inner.layers[0].get_weights()[0].copy()
    with frozen_statistics(model):
        frozen = step()
    for before, after in zip(first, frozen, strict=True):
        np.testing.assert_array_equal(after, before)
    assert not np.allclose(inner.layers[0].get_weights()[0], kernel)
    assert normalisation.trainable and not frozen_by_user.trainable
    assert not np.allclose(step()[2], first[2])
