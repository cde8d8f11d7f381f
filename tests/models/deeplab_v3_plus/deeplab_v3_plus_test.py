"""DeepLabV3+: what every system does, and its other forms."""

import pytest

import keras_rsseg
from tests.models.context_tester import ContextTester
from tests.models.tiny_encoder import TinyEncoder


class TestDeepLabV3Plus(ContextTester):
    system = keras_rsseg.DeepLabV3Plus
    backbone_arguments = {
        "filters": 16,
        "dilation_rates": (2, 4),
        "skip_filters": 8,
        "auxiliary_filters": 8,
    }

    def test_unknown_form_is_refused(self):
        with pytest.raises(ValueError, match="`form` must be one of"):
            keras_rsseg.models.DeepLabV3PlusBackbone(
                TinyEncoder(), form="plain"
            )


@pytest.mark.slow
@pytest.mark.slow
class TestReleasedForm(ContextTester):
    system = keras_rsseg.DeepLabV3Plus
    backbone_arguments = {
        "filters": 16,
        "dilation_rates": (2, 4),
        "form": "released",
        "auxiliary_filters": None,
    }


@pytest.mark.slow
@pytest.mark.slow
class TestFormOfSmp(ContextTester):
    system = keras_rsseg.DeepLabV3Plus
    backbone_arguments = {
        "filters": 16,
        "dilation_rates": (2, 4),
        "form": "smp",
        "auxiliary_filters": None,
    }
