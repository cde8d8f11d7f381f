"""Scenes are mapped by the faster twin, made once and never out of date."""

import numpy as np

import keras_rsseg
from keras_rsseg.scenes.predicting.fast_model import fast_model
from keras_rsseg.scenes.predicting.run_identity import model_identity
from tests.models.optimize_for_inference_test import make_model


def test_one_twin_for_many_scenes_until_the_task_learns():
    model = make_model()
    twin = fast_model(model, model_identity(model))
    assert twin is not model and isinstance(twin, keras_rsseg.SemanticFPN)
    assert fast_model(model, model_identity(model)) is twin
    model.classifier.bias.assign(np.array([1, 2, 3], "float32"))
    other = fast_model(model, model_identity(model))
    assert other is not twin
    np.testing.assert_array_equal(other.classifier.get_weights()[1], [1, 2, 3])


def test_what_is_no_task_stays_what_it_is():
    def model(tiles):
        return tiles

    assert fast_model(model, model_identity(model)) is model
