"""HRNet: what every system does."""

import numpy as np

import keras_rsseg
from tests.encoders.hrnet_encoder_test import TINY
from tests.models.segmenter_tester import SegmenterTester
from tests.test_case import to_numpy


class TestHRNet(SegmenterTester):
    system = keras_rsseg.HRNet

    def test_backbone_joins_all_levels_as_the_encoder_resizes(self):
        for align_corners in (True, False):
            encoder = keras_rsseg.encoders.HRNetEncoder(
                **TINY, align_corners=align_corners, image_shape=(40, 33, 3)
            )
            backbone = keras_rsseg.models.HRNetBackbone(encoder)
            features = backbone.output["features"]
            assert features.shape == (None, 10, 9, 4 + 8 + 16 + 32)
            model = keras_rsseg.HRNet(backbone, num_classes=2)
            for layer in (
                backbone.get_layer("fusion"),
                model.get_layer("upsample"),
            ):
                assert layer.align_corners is align_corners

    def test_weights_of_a_plain_network_under_flow(self, tmp_path):
        # Preset and class are the same; only the encoder's fusion differs.
        encoder = keras_rsseg.encoders.HRNetEncoder(**TINY)
        model = self.make_model(encoder)
        self.randomise_statistics(model)
        model.save_to_preset(tmp_path)
        warped = keras_rsseg.HRNet.from_preset(str(tmp_path), fusion="ifwm")
        assert warped.backbone.image_encoder.fusion == "ifwm"
        assert len(warped.weights) == len(model.weights) + 30
        values = {w.path: to_numpy(w) for w in warped.weights}
        for weight in model.weights:
            value = values.pop(weight.path)
            np.testing.assert_array_equal(value, to_numpy(weight), weight.path)
        assert not any(np.any(value) for value in values.values())
