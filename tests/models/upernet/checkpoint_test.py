"""UPerNet gives the outputs of mmsegmentation's."""

from keras_rsseg.models.upernet.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["upernet_r50_mmseg"]
    folder = "zoo2"
    fixture = "upernet_r50_mmseg"
    seed = 46
    sizes = ("1x96x96", "1x97x75")
    parameters = 66412928
    layers = {
        "pyramid_pooling": "decode_head.bottleneck_every32",
        "fusion": "decode_head.fpn_bottleneck_every32",
    }
