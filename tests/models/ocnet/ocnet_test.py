"""OCNet: it trains, saves and loads, in both forms."""

import numpy as np

import keras_rsseg
from keras_rsseg.layers.conv_bn_relu import leaky_relu
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles


class TestOCNet(ContextTester):
    system = keras_rsseg.OCNet
    backbone_arguments = {
        "filters": 32,
        "branch_filters": 16,
        "dilation_rates": (2, 4),
    }

    def test_as_its_authors_released_it(self, tmp_path):
        self.backbone_arguments = {
            **self.backbone_arguments,
            "reduced_filters": 8,
            "activation": "leaky_relu",
            "auxiliary_filters": 8,
        }
        model = for_few_steps(self.make_model())
        tiles, masks = make_tiles(2, 33, 50)
        assert np.isfinite(model.train_on_batch(tiles, masks)[0])
        self.assert_finite(model.weights)
        names = ["reduce", "object_rate2", "object_projection"]
        model.save_to_preset(tmp_path)
        loaded = for_few_steps(keras_rsseg.from_preset(str(tmp_path)))
        for name in [*names, "auxiliary_head"]:
            layer = loaded.backbone.get_layer(name)
            assert layer.activation is leaky_relu
        context = loaded.backbone.get_layer("object_context")
        assert context.activation is context.query.activation is leaky_relu
        self.assert_close(
            loaded.predict_on_batch(tiles), model.predict_on_batch(tiles), 1e-5
        )
