"""DANet: what every system does."""

import keras_rsseg
from tests.models.segmenter_tester import SegmenterTester


class TestDANet(SegmenterTester):
    system = keras_rsseg.DANet
    backbone_arguments = {"filters": 8}
