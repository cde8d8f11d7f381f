"""PSPNet: it trains, saves and loads."""

import pytest

import keras_rsseg
from tests.models.context_tester import ContextTester
from tests.models.tiny_encoder import TinyEncoder


class TestPSPNet(ContextTester):
    system = keras_rsseg.PSPNet
    backbone_arguments = {"filters": 32, "pooling_filters": 32, "dropout": 0.0}

    def test_unknown_form_is_refused(self):
        with pytest.raises(ValueError, match="`form` must be one of"):
            keras_rsseg.models.PSPNetBackbone(TinyEncoder(), form="plain")


@pytest.mark.slow
@pytest.mark.slow
class TestFormOfMmsegmentation(ContextTester):
    system = keras_rsseg.PSPNet
    backbone_arguments = {
        "pooling_filters": 16,
        "form": "mmsegmentation",
        "auxiliary_filters": 8,
        "dropout": 0.0,
    }
