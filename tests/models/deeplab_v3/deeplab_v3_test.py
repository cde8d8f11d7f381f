"""DeepLabV3: it trains, saves and loads."""

import keras_rsseg
from tests.models.context_tester import ContextTester


class TestDeepLabV3(ContextTester):
    system = keras_rsseg.DeepLabV3
    backbone_arguments = {"filters": 8, "dilation_rates": (2, 4)}
