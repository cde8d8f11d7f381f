"""DeepLabV3 gives the outputs of the released PyTorch code."""

from keras_rsseg.models.deeplab_v3.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["deeplab_v3_r50"]
    fixture = "pointrend_deeplabv3_r50"
    seed = 33
    # Without the 8464 parameters of the point head, with 16 biases.
    parameters = 39171024
    layers = {"atrous_pooling": "bot_aspp_every8"}
    has_point_head = True
