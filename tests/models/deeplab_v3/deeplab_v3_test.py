"""DeepLabV3: it trains, saves and loads."""

import pytest

import keras_rsseg
from tests.models.context_tester import ContextTester
from tests.models.tiny_encoder import TinyEncoder


class TestDeepLabV3(ContextTester):
    system = keras_rsseg.DeepLabV3
    backbone_arguments = {"filters": 8, "dilation_rates": (2, 4)}

    def test_unknown_form_is_refused(self):
        with pytest.raises(ValueError, match="`form` must be one of"):
            keras_rsseg.models.DeepLabV3Backbone(TinyEncoder(), form="plain")


@pytest.mark.slow
@pytest.mark.slow
class TestFormOfTorchvision(ContextTester):
    system = keras_rsseg.DeepLabV3
    backbone_arguments = {
        "filters": 16,
        "dilation_rates": (2, 4),
        "form": "torchvision",
        "dropout": 0.0,
        "auxiliary_filters": 8,
    }
