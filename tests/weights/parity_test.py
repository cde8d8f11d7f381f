"""Whole networks give the outputs of the released PyTorch code.

The difference allowed is 2e-5 of an output's largest magnitude, about eight
times the rounding of the reference itself.
"""

import numpy as np
import pytest

from keras_rsseg import optimize_for_inference
from tests.test_case import TestCase
from tests.test_case import to_numpy
from tests.weights.networks import assert_keys
from tests.weights.networks import count_trainable
from tests.weights.networks import draw_state
from tests.weights.networks import on_one_backend
from tests.weights.networks import read_outputs
from tests.weights.networks import run_layers
from weights import convert_hrnet
from weights import convert_pfsegnets
from weights.transfer import transfer


@pytest.fixture(scope="module")
def hrnet_state():
    return draw_state("hrnetv2_w18_nc6", 6, 451276.330455)


class TestHRNet(TestCase):
    @pytest.mark.parametrize("align_corners", [True, False])
    def test_outputs(self, hrnet_state, align_corners):
        model = convert_hrnet.build("hrnet_w18", 6, align_corners)
        transfer(model, hrnet_state, convert_hrnet.name_of)
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
        model = convert_hrnet.build(f"hrnet_w{width}", 6, True)
        assert count_trainable(model) == expected
        assert_keys(model, f"hrnetv2_w{width}_nc6", convert_hrnet.name_of)


LEVELS = ("P2", "P3", "P4")


@pytest.fixture(scope="module")
def pfnet():
    model = convert_pfsegnets.build("pfnet_r50", 16)
    state = draw_state("pfnet_r50_nc16", 1, 1043677.694668)
    transfer(model, state, convert_pfsegnets.name_of)
    return model


class TestPFNet(TestCase):
    @pytest.mark.parametrize("size", ["1x128x128", "2x64x64"])
    def test_outputs(self, pfnet, size):
        expected = read_outputs(f"pfnet_r50_nc16_seed1_{size}")
        tiles = expected["x"]
        maps = run_layers(
            pfnet.backbone,
            tiles,
            ["pyramid_pooling", *(f"point_flow_{level}" for level in LEVELS)],
        )
        self.assert_close(maps["pyramid_pooling"], expected["ppm"], msg="ppm")
        for index, level in enumerate(LEVELS):
            flowed, boundary = maps[f"point_flow_{level}"]
            for key, value in (
                (f"pfm{index}_out", flowed),
                (f"edge_logits{index}", boundary),
            ):
                self.assert_close(value, expected[key], msg=key)
        outputs = pfnet(tiles, training=False)
        self.assert_close(outputs, expected["main_out"], msg="main_out")
        outputs = optimize_for_inference(pfnet)(tiles)
        self.assert_close(outputs, expected["main_out"], msg="fast main_out")

    @pytest.mark.parametrize("size", ["1x128x128", "2x64x64"])
    def test_points(self, pfnet, size):
        expected = read_outputs(f"pfnet_r50_nc16_seed1_{size}")
        names = ["pyramid_pooling", "add_P4", "add_P3"]
        names += [f"lateral_{level}" for level in LEVELS]
        maps = run_layers(pfnet.backbone, expected["x"], names)
        above = {"P4": "pyramid_pooling", "P3": "add_P4", "P2": "add_P3"}
        for index, level in enumerate(LEVELS):
            flow = pfnet.backbone.get_layer(f"point_flow_{level}")
            points = flow.select_points(
                maps[f"lateral_{level}"], maps[above[level]], training=False
            )
            key = f"saliency{index}"
            self.assert_close(points.saliency, expected[key], msg=key)
            for actual, key in (
                (points.boundary_coarse, "edge_idx_high"),
                (points.boundary_fine, "edge_idx_low"),
                (points.salient_coarse, "salient_idx_high"),
                (points.salient_fine, "salient_idx_low"),
            ):
                # As sets: the order within equal logits is not defined.
                np.testing.assert_array_equal(
                    np.sort(to_numpy(actual), axis=1),
                    np.sort(expected[f"pfm{index}_{key}"], axis=1),
                    err_msg=f"pfm{index}_{key}",
                )

    @pytest.mark.parametrize(
        "variant, classes, expected",
        on_one_backend(
            ("r50", 6, 32991433), ("r50", 16, 32994003), ("r101", 16, 51986131)
        ),
    )
    def test_parameters_and_keys(self, variant, classes, expected):
        model = convert_pfsegnets.build(f"pfnet_{variant}", classes)
        assert count_trainable(model) == expected
        network = f"pfnet_{variant}_nc{classes}"
        assert_keys(model, network, convert_pfsegnets.name_of)


class TestSemanticFPN(TestCase):
    def test_outputs(self):
        model = convert_pfsegnets.build("semantic_fpn_r50", 16)
        assert count_trainable(model) == 31113936
        assert_keys(model, "fpnppm_r50_nc16", convert_pfsegnets.name_of)
        state = draw_state("fpnppm_r50_nc16", 5, 993192.534184)
        transfer(model, state, convert_pfsegnets.name_of)
        expected = read_outputs("fpnppm_r50_nc16_seed5_1x128x128")
        tiles = expected["x"]
        pyramid = model.backbone.image_encoder(tiles, training=False)
        for key, level in (("layer3", "P4"), ("layer4", "P5")):
            self.assert_close(pyramid[level], expected[key], msg=key)
        maps = run_layers(
            model.backbone, tiles, ["output_P2", "output_P3", "output_P4"]
        )
        for index, level in enumerate(LEVELS):
            key = f"fpn_out{index}"
            self.assert_close(maps[f"output_{level}"], expected[key], msg=key)
        logits = model(tiles, training=False)
        self.assert_close(logits, expected["main_out"], msg="main_out")
