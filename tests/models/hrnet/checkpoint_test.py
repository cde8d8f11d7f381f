"""HRNet gives the outputs of the released PyTorch code.

The difference allowed is 2e-5 of an output's largest magnitude, about eight
times the rounding of the reference itself.
"""

import pytest

from keras_rsseg import optimize_for_inference
from keras_rsseg.models.hrnet.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester
from tests.test_case import TestCase
from tests.weights.networks import assert_keys
from tests.weights.networks import count_trainable
from tests.weights.networks import draw_state
from tests.weights.networks import fill
from tests.weights.networks import on_one_backend
from tests.weights.networks import read_outputs


@pytest.fixture(scope="module")
def hrnet_state():
    return draw_state("hrnetv2_w18_nc6", 6, 451276.330455)


class TestParity(TestCase):
    @pytest.mark.parametrize("align_corners", [True, False])
    def test_outputs(self, hrnet_state, align_corners):
        model = VARIANTS["hrnet_w18"].build(6, align_corners=align_corners)
        fill(model, VARIANTS["hrnet_w18"], hrnet_state)
        for size in ("1x96x160", "2x64x64"):
            expected = read_outputs(f"hrnetv2_w18_nc6_seed6_{size}")
            tiles, prefix = expected["x"], f"align{int(align_corners)}/"
            pyramid = model.backbone.image_encoder(tiles, training=False)
            for branch, level in enumerate(("P2", "P3", "P4", "P5")):
                key = f"{prefix}stage4_branch{branch}"
                self.assert_close(pyramid[level], expected[key], msg=key)
            key = f"{prefix}main_out"
            logits = model(tiles, training=False)
            self.assert_close(logits, expected[key], msg=key)
            if size == "2x64x64":
                logits = optimize_for_inference(model)(tiles)
                self.assert_close(logits, expected[key], msg=f"fast {key}")

    @pytest.mark.parametrize(
        "width, expected",
        on_one_backend((18, 9637596), (32, 29540262), (48, 65850006)),
    )
    def test_parameters_and_keys(self, width, expected):
        variant = VARIANTS[f"hrnet_w{width}"]
        model = variant.build(6, align_corners=True)
        assert count_trainable(model) == expected
        assert_keys(model, f"hrnetv2_w{width}_nc6", variant.name_of)


class TestMmsegParity(ParityTester):
    variant = VARIANTS["fcn_hr18_mmseg"]
    folder = "zoo2"
    fixture = "fcn_hr18_mmseg"
    seed = 70
    sizes = ("1x96x96", "1x97x75")
    parameters = 9640036
    layers = {"fusion": "decode_head.convs_every8"}
    on_all_backends = True


class TestOtherMmsegNetworks:
    def test_wide_one_is_the_original_without_a_bias(self):
        count = count_trainable(VARIANTS["fcn_hr48_mmseg"].build(6))
        assert count == 65850006 - 15 * 48

    def test_small_one_has_the_published_size(self):
        # 3.9 millions, "HRNetV2-W18-Small-v2" in the authors' table.
        count = count_trainable(VARIANTS["fcn_hr18s_mmseg"].build(19))
        assert round(count / 1e6, 1) == 3.9
