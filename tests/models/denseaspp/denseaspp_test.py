"""DenseASPP: it trains, saves and loads."""

import numpy as np
import pytest

import keras_rsseg
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import SegmenterTester
from tests.models.tiny_encoder import TinyEncoder


class TestDenseASPP(ContextTester):
    system = keras_rsseg.DenseASPP
    backbone_arguments = {
        "filters": 8,
        "bottleneck_filters": 8,
        "dilation_rates": (1, 2),
        "dropout": 0.0,
    }
    test_faster_twin_answers_the_same = (
        SegmenterTester.test_faster_twin_answers_the_same
    )

    def test_last_dilation_comes_first_and_the_map_last(self):
        backbone = self.make_model().backbone
        layer = backbone.get_layer
        last = layer("dense_atrous_rate2_join")
        added, before = last.input
        assert added is layer("dense_atrous_rate2_dropout").output
        assert before is layer("dense_atrous_rate1_join").output
        assert before.shape[-1] == 8 + 11
        # Nothing is normalised before the first dilation.
        names = [layer.name for layer in backbone.layers]
        assert "dense_atrous_rate2_norm1" in names
        assert "dense_atrous_rate1_norm1" not in names
        momentum = layer("dense_atrous_rate2_norm1").momentum
        assert np.isclose(1 - momentum, 3e-4)

    def test_same_dilations_are_refused(self):
        with pytest.raises(ValueError, match=r"`dilation_rates`.*\(3, 3\)"):
            keras_rsseg.models.DenseASPPBackbone(
                TinyEncoder(), dilation_rates=(3, 3)
            )
