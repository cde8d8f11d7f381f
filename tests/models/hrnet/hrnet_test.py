"""HRNet: what every system does."""

import keras_rsseg
from tests.encoders.hrnet_encoder_test import TINY
from tests.models.segmenter_tester import SegmenterTester


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
