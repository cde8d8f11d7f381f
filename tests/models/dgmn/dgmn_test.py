"""DGMN: it trains, saves and loads."""

import keras_rsseg
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles


class TestDGMN(ContextTester):
    system = keras_rsseg.DGMN
    backbone_arguments = {
        "filters": 32,
        "context_filters": 32,
        "dilation_rates": (1, 4),
    }

    def test_as_released_the_map_grows(self):
        self.backbone_arguments = {
            **self.backbone_arguments,
            "deformable": False,
            "output_padding": 1,
        }
        model = self.make_model(encoder={"image_shape": (64, 40, 3)})
        features = model.backbone.output["features"]
        assert features.shape == (None, 4, 4, 32)
        model = for_few_steps(self.make_model())
        logits = model.predict_on_batch(make_tiles(1, 33, 50)[0])
        assert logits.shape == (1, 33, 50, 3)
