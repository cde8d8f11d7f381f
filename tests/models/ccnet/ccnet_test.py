"""CCNet: it trains, saves and loads."""

import pytest

import keras_rsseg
from tests.models.context_tester import ContextTester
from tests.models.tiny_encoder import TinyEncoder


class TestCCNet(ContextTester):
    system = keras_rsseg.CCNet
    backbone_arguments = {"filters": 8}

    def test_one_attention_is_called_as_often_as_asked(self):
        backbones = [
            keras_rsseg.models.CCNetBackbone(
                TinyEncoder(), filters=8, recurrence=n
            )
            for n in (1, 2)
        ]
        counts = [backbone.count_params() for backbone in backbones]
        assert counts[0] == counts[1]
        layers = [b.get_layer("criss_cross_attention") for b in backbones]
        assert [len(layer._inbound_nodes) for layer in layers] == [1, 2]
        with pytest.raises(ValueError, match="recurrence"):
            keras_rsseg.models.CCNetBackbone(TinyEncoder(), recurrence=0)
