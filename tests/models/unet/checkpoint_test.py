"""U-Net gives the outputs of segmentation_models_pytorch."""

from keras_rsseg.models.unet.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["unet_r50_smp"]
    folder = "zoo2"
    fixture = "unet_r50_smp"
    seed = 43
    sizes = ("1x96x96", "1x97x75")
    parameters = 32523280
    layers = {
        "decoder_P4_conv2": "decoder.blocks.0_every32",
        "decoder_P3_conv2": "decoder.blocks.1_every32",
    }
    on_all_backends = True
