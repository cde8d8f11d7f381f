"""SemanticFPN, with and without pyramid pooling: what every system does."""

import keras_rsseg
from tests.models.segmenter_tester import SegmenterTester
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles


class TestSemanticFPN(SegmenterTester):
    system = keras_rsseg.SemanticFPN
    backbone_arguments = {"fpn_dim": 8}

    def test_without_pyramid_pooling(self, tmp_path):
        self.backbone_arguments = {"fpn_dim": 8, "context": None}
        model = self.make_model()
        names = [layer.name for layer in model.backbone.layers]
        assert "lateral_P5" in names
        assert "pyramid_pooling" not in names
        self.randomise_statistics(for_few_steps(model))
        model.save_to_preset(tmp_path)
        loaded = for_few_steps(keras_rsseg.from_preset(str(tmp_path)))
        tiles, _ = make_tiles(2)
        self.assert_close(
            loaded.predict_on_batch(tiles), model.predict_on_batch(tiles), 1e-5
        )
