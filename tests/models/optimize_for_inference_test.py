"""The faster twin: what it keeps, what it saves, what it refuses."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.models.folded_task import foldable_layers
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.models.tiny_encoder import TinyEncoder
from tests.test_case import TestCase


def make_model():
    keras.utils.set_random_seed(3)
    backbone = keras_rsseg.models.SemanticFPNBackbone(TinyEncoder(), fpn_dim=8)
    model = keras_rsseg.SemanticFPN(
        backbone,
        num_classes=3,
        class_names=["a", "b", "c"],
        palette=[(0, 0, 0), (1, 1, 1), (2, 2, 2)],
    )
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith(("gamma", "moving_variance")):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return for_few_steps(model)


class TestOptimizeForInference(TestCase):
    def test_what_it_saves_is_a_preset_like_any_other(self, tmp_path):
        model = make_model()
        tiles, _ = make_tiles(1)
        twin = keras_rsseg.optimize_for_inference(model, "channels_last")
        assert twin.class_names == model.class_names
        assert twin.palette == model.palette
        twin.save_to_preset(tmp_path)
        loaded = for_few_steps(keras_rsseg.from_preset(str(tmp_path)))
        assert not any(layer.folded for layer in foldable_layers(loaded))
        self.assert_close(
            loaded.predict_on_batch(tiles), model.predict_on_batch(tiles)
        )

    def test_twin_of_a_preset_knows_its_name(self, tmp_path):
        make_model().save_to_preset(tmp_path)
        model = keras_rsseg.from_preset(str(tmp_path))
        assert keras_rsseg.optimize_for_inference(model).preset == model.preset

    def test_twin_of_a_twin_is_the_same_again(self):
        model = make_model()
        tiles, _ = make_tiles(1)
        twin = keras_rsseg.optimize_for_inference(model)
        twice = for_few_steps(keras_rsseg.optimize_for_inference(twin))
        self.assert_close(
            twice.predict_on_batch(tiles), model.predict_on_batch(tiles)
        )

    def test_precision_of_choice(self):
        model = make_model()
        tiles, _ = make_tiles(1)
        twin = for_few_steps(
            keras_rsseg.optimize_for_inference(model, dtype="mixed_bfloat16")
        )
        assert twin.backbone.image_encoder.compute_dtype == "bfloat16"
        logits = twin.predict_on_batch(tiles)
        assert logits.dtype == "float32"
        difference = self.assert_close(
            logits, model.predict_on_batch(tiles), 0.05
        )
        assert difference > 1e-5, "it computed in float32"

    def test_only_tasks(self):
        with pytest.raises(TypeError, match="`model`.*task.*Sequential"):
            keras_rsseg.optimize_for_inference(keras.Sequential([]))

    @pytest.mark.skipif(
        keras.backend.backend() != "torch", reason="is about torch"
    )
    def test_program_of_torch(self, tmp_path):
        model = make_model()
        twin = keras_rsseg.optimize_for_inference(model)
        tiles = make_tiles(2)[0]
        first = twin.predict_on_batch(tiles)
        for _ in range(5):
            assert np.array_equal(twin.predict_on_batch(tiles), first)
        assert len(twin._program._programs) == 1
        # None of it is saved or shared.
        twin.save_to_preset(tmp_path)
        assert keras_rsseg.from_preset(str(tmp_path))._program is None
        assert model._program is None
        twin.set_weights([0.5 * weight for weight in twin.get_weights()])
        assert not np.array_equal(twin.predict_on_batch(tiles), first)

    @pytest.mark.skipif(keras.backend.backend() != "jax", reason="is about JAX")
    def test_program_of_jax(self, tmp_path):
        model = make_model()
        twin = keras_rsseg.optimize_for_inference(model)
        tiles = make_tiles(2)[0]
        before = [variable.value for variable in twin.variables]
        first = twin.predict_on_batch(tiles)
        for variable, value in zip(twin.variables, before, strict=True):
            assert variable.value is value
        assert isinstance(first, np.ndarray) and first.flags.writeable
        self.assert_close(first, twin.predict(tiles, verbose=0), 1e-6)
        twin.save_to_preset(tmp_path)
        assert keras_rsseg.from_preset(str(tmp_path))._batch_program is None
        assert model._batch_program is None
        twin.set_weights([0.5 * weight for weight in twin.get_weights()])
        assert not np.array_equal(twin.predict_on_batch(tiles), first)
        assert twin.predict_on_batch(tiles[:0]).shape[0] == 0
