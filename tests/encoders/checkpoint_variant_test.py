"""The checkpoint's names of variables, and the networks of variants."""

import functools

import numpy as np

from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.checkpoint_variant import make_name_of
from keras_rsseg.encoders.checkpoint_variant import with_zero_bias
from keras_rsseg.models.semantic_fpn.semantic_fpn import SemanticFPN
from tests.models.tiny_encoder import TinyEncoder


class TestNames:
    def test_layers_count_from_one_and_tensors_from_zero(self):
        rules = conv_bn_rules(
            r"stage(?P<stage>\d)_block(?P<block>\d+)",
            "layer{stage}.{block0}.conv",
            "layer{stage}.{block0}.bn",
        )
        name_of = make_name_of(rules)
        assert name_of("stage2_block10/conv/kernel") == "layer2.9.conv.weight"
        assert (
            name_of("stage2_block10/batch_norm/moving_mean")
            == "layer2.9.bn.running_mean"
        )
        assert name_of("stage2_block10/other/kernel") is None
        assert name_of("stage2_block10/conv/unknown") is None

    def test_a_rule_for_a_variable_names_its_tensor(self):
        rules = [
            ("attention/gamma", "head.gamma"),
            ("attention", "head.conv"),
        ]
        name_of = make_name_of(rules)
        assert name_of("attention/gamma") == "head.gamma"
        assert name_of("attention/kernel") == "head.conv.weight"

    def test_the_first_rule_that_matches_decides(self):
        name_of = make_name_of([("a1", "special"), (r"a\d", "usual")])
        assert name_of("a1/bias") == "special.bias"
        assert name_of("a2/bias") == "usual.bias"


def test_a_bias_is_added_only_where_there_is_none():
    state = {"final.weight": np.ones((3, 2, 1, 1), "float32")}
    biased = with_zero_bias(state, "final")
    np.testing.assert_array_equal(biased["final.bias"], np.zeros(3))
    assert with_zero_bias(biased, "final") is biased
    assert with_zero_bias(state, "other") is state


class TestBuild:
    def test_options_reach_encoder_backbone_and_task(self):
        variant = Variant(
            functools.partial(TinyEncoder, image_shape=(None, None, 3)),
            [],
            SemanticFPN,
            {"fpn_dim": 8, "context": None},
            encoder_options=("image_shape",),
            backbone_options=("fpn_dim",),
        )
        assert variant.options == ("image_shape", "fpn_dim")
        model = variant.build(
            2, image_shape=(32, 32, 4), fpn_dim=4, class_names=["a", "b"]
        )
        assert model.input_shape == (None, 32, 32, 4)
        assert model.backbone.get_config()["fpn_dim"] == 4
        assert model.class_names == ["a", "b"]
        assert variant.build(3).backbone.get_config()["fpn_dim"] == 8

    def test_an_encoder_alone(self):
        encoder = Variant(TinyEncoder, []).build()
        assert isinstance(encoder, TinyEncoder)
