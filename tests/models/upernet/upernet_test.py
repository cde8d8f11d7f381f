"""UPerNet: what every system does, with an auxiliary classifier."""

import keras_rsseg
from tests.models.context_tester import ContextTester


class TestUPerNet(ContextTester):
    system = keras_rsseg.UPerNet
    backbone_arguments = {
        "filters": 16,
        "auxiliary_filters": 8,
        "dropout": 0.0,
    }

    def test_the_auxiliary_classifier_learns_from_p4(self):
        model = self.make_model()
        assert model.auxiliary_weight == 0.4
        head = model.backbone.get_layer("auxiliary_head")
        assert head.filters == 8
        assert not model.upsample.align_corners
