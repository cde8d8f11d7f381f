"""SemanticFPN, with and without pyramid pooling: what every system does."""

import keras_rsseg
from tests.models.segmenter_tester import SegmenterTester


class TestSemanticFPN(SegmenterTester):
    system = keras_rsseg.SemanticFPN
    backbone_arguments = {"fpn_dim": 8}


class TestPlainSemanticFPN(SegmenterTester):
    system = keras_rsseg.SemanticFPN
    backbone_arguments = {"fpn_dim": 8, "pyramid_pooling": False}

    def test_context_is_a_single_convolution(self):
        backbone = self.make_model().backbone
        names = [layer.name for layer in backbone.layers]
        assert "lateral_P5" in names
        assert "pyramid_pooling" not in names
