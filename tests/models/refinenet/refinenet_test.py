"""RefineNet: what every system does, in both layouts."""

import pytest

import keras_rsseg
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.models.tiny_encoder import TinyEncoder


class TestRefineNet(ContextTester):
    system = keras_rsseg.RefineNet
    backbone_arguments = {"filters": 16}

    def test_unknown_layouts_are_named(self):
        with pytest.raises(ValueError, match="`layout`.*published.*'other'"):
            keras_rsseg.models.RefineNetBackbone(TinyEncoder(), layout="other")


@pytest.mark.slow
class TestPublished(ContextTester):
    system = keras_rsseg.RefineNet
    backbone_arguments = {"filters": 16, "layout": "published", "dropout": 0.0}

    def test_layout_brings_its_dropout_and_its_classifier(self):
        backbone = keras_rsseg.models.RefineNetBackbone(
            TinyEncoder(), filters=8, layout="published"
        )
        assert backbone.dropout == 0.5
        model = for_few_steps(keras_rsseg.RefineNet(backbone, num_classes=3))
        assert model.classifier.kernel_size == (3, 3)
        tiles, _ = make_tiles(1, 33, 50)
        outputs = [model(tiles / 255.0, training=True) for _ in range(2)]
        with pytest.raises(AssertionError):
            self.assert_close(*outputs)
