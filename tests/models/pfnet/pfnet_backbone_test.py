"""Alternatives to PointFlow, its levels, and its direction."""

import itertools

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.models import PFNetBackbone
from keras_rsseg.models import SemanticFPNBackbone
from keras_rsseg.models.pfnet.pfnet import ALIGNMENTS
from keras_rsseg.models.pyramid_decoder import LEVELS
from tests.layers.compiled import call
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import iterations
from tests.models.segmenter_tester import make_tiles
from tests.models.tiny_encoder import TinyEncoder
from tests.test_case import TestCase
from tests.test_case import to_numpy

POINTS = {
    "match_dim": 4,
    "max_pool_size": 3,
    "avg_pool_size": 2,
    "num_boundary_points": 5,
}


def make_backbone(encoder=None, **arguments):
    encoder = TinyEncoder(**(encoder or {}))
    return PFNetBackbone(encoder, fpn_dim=8, **{**POINTS, **arguments})


def sources(backbone, name):
    """Names of the layers whose outputs a layer joins."""
    inputs = keras.tree.flatten(backbone.get_layer(name).input)
    return [x._keras_history.operation.name for x in inputs]


class TestPFNetBackbone(TestCase):
    @pytest.mark.parametrize("direction", ["top_down", "bottom_up", "both"])
    def test_every_choice_is_in_its_place_and_in_the_config(self, direction):
        prefixes = {"top_down": [""], "bottom_up": ["up_"]}
        prefixes = prefixes.get(direction, ["", "up_"])
        levels = ("P4", "P2")
        for alignment in ALIGNMENTS:
            backbone = make_backbone(
                {"image_shape": (64, 40, 3)},
                alignment=alignment,
                levels=levels,
                direction=direction,
            )
            names = [layer.name for layer in backbone.layers]
            for prefix, level in itertools.product(prefixes, LEVELS):
                name = f"{alignment}_{prefix}{level}"
                assert (name in names) == (level in levels), name
                aligned = name if level in levels else f"resize_{prefix}{level}"
                assert aligned in sources(backbone, f"add_{prefix}{level}")
            boundaries = backbone.output["boundary_logits"]
            has_points = alignment == "point_flow"
            assert len(boundaries) == has_points * 2 * len(prefixes)
            assert backbone.output["features"].shape == (None, 16, 10, 8)
            config = backbone.get_config()
            assert config["alignment"] == alignment
            assert config["levels"] == levels
            assert config["direction"] == direction

    def test_directions(self):
        size = {"image_shape": (64, 64, 3)}
        down = make_backbone(size)
        assert sources(down, "point_flow_P4") == [
            "lateral_P4",
            "pyramid_pooling",
        ]
        assert sources(down, "point_flow_P2") == ["lateral_P2", "add_P3"]
        up = make_backbone(size, direction="bottom_up")
        for name, fine, coarse in (
            ("up_P2", "lateral_P2", "lateral_P3"),
            ("up_P3", "add_up_P2", "lateral_P4"),
            ("up_P4", "add_up_P3", "pyramid_pooling"),
        ):
            resized = f"resize_before_{name}"
            assert sources(up, resized) == [coarse, fine]
            assert sources(up, f"point_flow_{name}") == [coarse, resized]
        assert sources(up, "output_P2") == ["lateral_P2"]
        assert sources(up, "output_P3") == ["add_up_P2"]
        sizes = [x.shape[1] for x in up.output["boundary_logits"]]
        assert sizes == [8, 4, 2]
        both = make_backbone(size, direction="both")
        assert sources(both, "resize_before_up_P2") == ["add_P3", "add_P2"]
        assert sources(both, "point_flow_up_P4")[0] == "pyramid_pooling"
        assert sources(both, "output_P2") == ["add_P2"]
        sizes = [x.shape[1] for x in both.output["boundary_logits"]]
        assert sizes == [2, 4, 8, 8, 4, 2]

    def test_without_a_level_it_is_the_baseline(self):
        backbone = make_backbone(levels=())
        baseline = SemanticFPNBackbone(TinyEncoder(), fpn_dim=8)
        assert [w.shape for w in backbone.weights] == [
            w.shape for w in baseline.weights
        ]
        baseline.set_weights(backbone.get_weights())
        tiles = np.random.default_rng(0).normal(size=(2, 33, 50, 3))
        tiles = tiles.astype("float32")
        outputs = call(backbone, tiles)
        expected = call(baseline, tiles)["features"]
        assert np.ptp(to_numpy(expected)) > 0
        self.assert_close(outputs["features"], expected, 1e-5)
        assert outputs["boundary_logits"] == []

    @pytest.mark.parametrize(
        "arguments, boundaries",
        [
            ({"alignment": "flow_alignment", "levels": ("P4", "P2")}, 0),
            (
                {
                    "alignment": "modulated_deformable_conv",
                    "direction": "bottom_up",
                },
                0,
            ),
            (
                {
                    "salient_sampler": "random",
                    "levels": ("P3",),
                    "direction": "both",
                },
                2,
            ),
        ],
    )
    def test_trains_and_is_saved(self, arguments, boundaries, tmp_path):
        model = keras_rsseg.PFNet(make_backbone(**arguments), num_classes=3)
        for_few_steps(model)
        tiles, masks = make_tiles(2, 33, 50)
        before = [to_numpy(v) for v in model.trainable_variables]
        for _ in range(2):
            loss = model.train_on_batch(tiles, masks)[0]
            assert np.isfinite(float(loss))
        self.assert_finite(model.weights)
        moved = [
            np.any(to_numpy(v) != old)
            for v, old in zip(model.trainable_variables, before, strict=True)
        ]
        stuck = [
            v.path
            for v, has in zip(model.trainable_variables, moved, strict=True)
            if not has
        ]
        assert not stuck
        outputs = model.backbone.output["boundary_logits"]
        assert len(outputs) == boundaries
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert iterations(loaded) == 2
        assert loaded.backbone.get_config() == model.backbone.get_config()
        for x, y in zip(loaded.weights, model.weights, strict=True):
            np.testing.assert_array_equal(to_numpy(x), to_numpy(y))

    @pytest.mark.parametrize(
        "arguments",
        [
            {"alignment": "deformable"},
            {"levels": ("P5",)},
            {"direction": "down"},
            {"salient_sampler": "top_k"},
        ],
    )
    def test_unknown_choices_are_named(self, arguments):
        ((name, value),) = arguments.items()
        with pytest.raises(ValueError, match=f"`{name}` must be") as error:
            make_backbone(**arguments)
        assert repr(value) in str(error.value)
