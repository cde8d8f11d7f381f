"""PSPNet: it trains, saves and loads."""

import keras_rsseg
from tests.models.context_tester import ContextTester


class TestPSPNet(ContextTester):
    system = keras_rsseg.PSPNet
    backbone_arguments = {"filters": 32, "pooling_filters": 32, "dropout": 0.0}
