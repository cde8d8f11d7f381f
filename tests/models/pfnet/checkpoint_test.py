"""PFNet gives the outputs of the released PyTorch code.

The difference allowed is 2e-5 of an output's largest magnitude, about eight
times the rounding of the reference itself.
"""

import numpy as np
import pytest

from keras_rsseg import optimize_for_inference
from keras_rsseg.models.pfnet.checkpoint import VARIANTS
from tests.test_case import TestCase
from tests.test_case import to_numpy
from tests.weights.networks import assert_keys
from tests.weights.networks import count_trainable
from tests.weights.networks import draw_state
from tests.weights.networks import fill
from tests.weights.networks import on_one_backend
from tests.weights.networks import read_outputs
from tests.weights.networks import run_layers

LEVELS = ("P2", "P3", "P4")


@pytest.fixture(scope="module")
def pfnet():
    variant = VARIANTS["pfnet_r50"]
    model = variant.build(16)
    state = draw_state("pfnet_r50_nc16", 1, 1043677.694668)
    fill(model, variant, state)
    return model


class TestParity(TestCase):
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
        network = VARIANTS[f"pfnet_{variant}"]
        model = network.build(classes)
        assert count_trainable(model) == expected
        assert_keys(model, f"pfnet_{variant}_nc{classes}", network.name_of)
