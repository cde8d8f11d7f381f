"""RANet: it trains, saves and loads, for tiles of one size."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.errors import PresetError
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.models.tiny_encoder import TinyEncoder


class TestRANet(ContextTester):
    system = keras_rsseg.RANet
    test_faster_twin_answers_the_same = None
    sizes = ((64, 64),)
    odd_tile = large_tile = (64, 64)
    other_shape = None

    def make_model(self, encoder=None, **kwargs):
        encoder = {"image_shape": (64, 64, 3), **(encoder or {})}
        return super().make_model(encoder, **kwargs)

    def test_tiles_of_other_sizes_are_refused(self):
        with pytest.raises(ValueError, match=r"`image_encoder`.*256, 256, 3"):
            keras_rsseg.models.RANetBackbone(TinyEncoder())
        with pytest.raises(ValueError, match="`relation`.*parallel.*'both'"):
            keras_rsseg.models.RANetBackbone(
                TinyEncoder(image_shape=(64, 64, 3)), relation="both"
            )

    def test_presets_are_for_tiles_of_their_size(self, tmp_path):
        self.make_model().save_to_preset(tmp_path)
        load = keras_rsseg.RANet.from_preset
        with pytest.raises(PresetError, match=r"`image_shape`.*64 x 64 pixels"):
            load(str(tmp_path), image_shape=(64, 32, 3))
        shape = (64, 64, 3)
        assert load(str(tmp_path), image_shape=shape).input_shape[1:] == shape
        # A new head can have any size.
        classes = ["field", "forest"]
        other = load(str(tmp_path), classes=classes, image_shape=(32, 32, 3))
        assert other.output_shape == (None, 32, 32, 2)

    def test_faster_twin_and_channels_first(self):
        model = for_few_steps(self.make_model({"image_shape": (33, 50, 3)}))
        self.randomise_statistics(model)
        tiles, _ = make_tiles(2, 33, 50)
        expected = model.predict_on_batch(tiles)
        assert expected.shape == (2, 33, 50, 3)
        # On torch the inside is channels-first.
        twin = for_few_steps(keras_rsseg.optimize_for_inference(model))
        self.assert_close(twin.predict_on_batch(tiles), expected, 3e-5)

    def test_all_three_classifiers_are_reordered(self):
        model = for_few_steps(self.make_model())
        tiles, _ = make_tiles(2)
        expected = model.predict_on_batch(tiles)[..., [2, 0, 1]]
        model.reorder_classes([2, 0, 1])
        self.assert_close(model.predict_on_batch(tiles), expected, 1e-5)


class TestParallel(TestRANet):
    backbone_arguments = {"relation": "parallel"}
    test_preset_brings_back_the_network_and_its_legend = None
    test_presets_are_for_tiles_of_their_size = None
    test_tiles_of_other_sizes_are_refused = None
    test_all_three_classifiers_are_reordered = None

    def test_steps_in_mixed_precision_are_finite(self):
        keras.config.set_dtype_policy("mixed_float16")
        model = for_few_steps(self.make_model())
        tiles, masks = make_tiles(2)
        assert np.isfinite(model.train_on_batch(tiles, masks)[0])
        self.assert_finite(model.weights)
