"""FCN: it trains, saves and loads, in each of its forms."""

import numpy as np
import pytest

import keras_rsseg
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import make_tiles
from tests.models.tiny_encoder import TinyEncoder
from tests.test_case import to_numpy


class TestFCN(ContextTester):
    system = keras_rsseg.FCN
    backbone_arguments = {
        "filters": 16,
        "auxiliary_filters": 8,
        "dropout": 0.0,
    }

    @pytest.mark.parametrize(
        "form, weight", [("mmsegmentation", 0.4), ("torchvision", 0.5)]
    )
    def test_auxiliary_loss_has_the_weight_of_its_form(self, form, weight):
        backbone = keras_rsseg.models.FCNBackbone(
            TinyEncoder(), filters=8, form=form, auxiliary_filters=8
        )
        model = keras_rsseg.FCN(backbone, num_classes=3)
        _, masks = make_tiles(1)
        logits = np.random.default_rng(0).normal(size=(1, 64, 64, 3))
        loss = model.extra_loss(masks, {"auxiliary_logits": logits})
        expected = weight * model.default_loss()(masks, logits)
        self.assert_close(loss, to_numpy(expected), 1e-6)

    def test_unknown_form_is_refused(self):
        with pytest.raises(ValueError, match="`form` must be one of"):
            keras_rsseg.models.FCNBackbone(TinyEncoder(), form="plain")


@pytest.mark.slow
@pytest.mark.slow
class TestFormOfTorchvision(ContextTester):
    system = keras_rsseg.FCN
    backbone_arguments = {
        "filters": 16,
        "form": "torchvision",
        "auxiliary_filters": 8,
        "dropout": 0.0,
    }


@pytest.mark.slow
@pytest.mark.slow
class TestFormWithSkip(ContextTester):
    system = keras_rsseg.FCN
    backbone_arguments = {
        "filters": 16,
        "form": "skip",
        "skip_filters": 4,
        "auxiliary_filters": None,
        "dropout": 0.0,
    }
