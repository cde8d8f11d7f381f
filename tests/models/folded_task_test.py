"""Answers without a twin: those of the task, as it was."""

import gc
import weakref

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.fold_batch_norm import folded_norms
from keras_rsseg.models.folded_task import FoldedTask
from keras_rsseg.models.folded_task import foldable_layers
from tests.models.optimize_for_inference_test import make_model as make_eager
from tests.models.segmenter_tester import make_tiles
from tests.test_case import TestCase


def make_model():
    """Return a model that runs as it would for a user."""
    model = make_eager()
    model.run_eagerly = False
    return model


class TestFoldedTask(TestCase):
    def test_layers_skip_their_norms_in_the_program_only(self):
        model = make_model()
        tiles, _ = make_tiles(2)
        expected = model.predict_on_batch(tiles)
        weights = model.get_weights()
        folded = FoldedTask(model)
        found = folded.predict_on_batch(tiles)
        assert isinstance(found, np.ndarray) and found.flags.writeable
        self.assert_close(found, expected, 3e-5)
        # They were left out, not computed: values differ by rounding.
        assert not np.array_equal(found, expected)
        self.assert_allclose(model.get_weights(), weights, 0, 0)
        assert not any(layer.folded for layer in foldable_layers(model))
        self.assert_allclose(model.predict_on_batch(tiles), expected, 0, 0)

    def test_a_layer_that_was_not_found_keeps_its_norm(self):
        known, other = ConvBNReLU(4, 1), ConvBNReLU(4, 1)
        x = np.ones((1, 2, 2, 3), "float32")
        for layer in (known, other):
            layer(x)
        with folded_norms([known]):
            assert known.folded and not other.folded
        assert not known.folded

    def test_another_size_is_another_batch(self):
        model = make_model()
        folded = FoldedTask(model)
        for count, size in ((2, 32), (1, 32), (3, 48)):
            tiles, _ = make_tiles(count, size, size)
            self.assert_close(
                folded.predict_on_batch(tiles),
                model.predict_on_batch(tiles),
                3e-5,
            )

    def test_weights_are_cast_as_the_layers_would(self):
        keras.config.set_dtype_policy("mixed_bfloat16")
        model = make_model()
        tiles, _ = make_tiles(2)
        logits = FoldedTask(model).predict_on_batch(tiles)
        assert logits.dtype == "float32"
        self.assert_close(logits, model.predict_on_batch(tiles), 0.05)

    def test_it_does_not_keep_its_task(self):
        model = make_model()
        folded = FoldedTask(model)
        folded.predict_on_batch(make_tiles(1)[0])
        task = weakref.ref(model)
        del model
        gc.collect()
        assert task() is None
        with pytest.raises(ReferenceError, match="task"):
            folded.predict_on_batch(make_tiles(1)[0])

    def test_it_is_chosen_where_it_is_as_fast(self):
        chosen = isinstance(make_model().for_batches(), FoldedTask)
        assert chosen == (keras.backend.backend() != "torch")

    def test_another_layout_needs_a_twin(self):
        model = make_model()
        first = keras_rsseg.optimize_for_inference(model, "channels_first")
        assert isinstance(first.for_batches(), keras_rsseg.SemanticFPN)

    def test_what_runs_eagerly_still_does(self):
        model = make_eager()
        model.run_eagerly = True
        assert model.for_batches().run_eagerly


@pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="others need none"
)
def test_torch_has_a_twin_for_many_tiles():
    many = make_model().for_batches(many_tiles=True)
    assert many.backbone.data_format == "channels_first"
    assert many._program._joins
