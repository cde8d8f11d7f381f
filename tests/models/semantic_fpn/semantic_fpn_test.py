"""SemanticFPN with its contexts: what every system does."""

import keras
import pytest

import keras_rsseg
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import SegmenterTester
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.models.tiny_encoder import TinyEncoder


class TestSemanticFPN(SegmenterTester):
    system = keras_rsseg.SemanticFPN
    backbone_arguments = {"fpn_dim": 8}

    def test_without_pyramid_pooling(self, tmp_path):
        self.backbone_arguments = {"fpn_dim": 8, "context": None}
        model = self.make_model()
        names = [layer.name for layer in model.backbone.layers]
        assert "lateral_P5" in names
        assert "pyramid_pooling" not in names
        self.randomise_statistics(for_few_steps(model))
        model.save_to_preset(tmp_path)
        loaded = for_few_steps(keras_rsseg.from_preset(str(tmp_path)))
        tiles, _ = make_tiles(2)
        self.assert_close(
            loaded.predict_on_batch(tiles), model.predict_on_batch(tiles), 1e-5
        )

    @pytest.mark.parametrize(
        "context, layer, channels",
        [
            ("criss_cross", "criss_cross_dropout", 512),
            ("dual_attention", "dual_attention", 512),
            ("atrous_pooling", "atrous_pooling", 256),
            ("separable_atrous_pooling", "atrous_pooling", 512),
            ("fcn", "fcn_dropout", 512),
            ("dense_atrous_pooling", "dense_atrous_rate24_join", 11 + 5 * 64),
            ("message_passing", "message_join", 512),
            ("expectation_maximization", "expectation_context", 512),
            ("encoding", "encoding_context", 512),
            ("object_context", "object_projection_dropout", 512),
        ],
    )
    def test_other_contexts_are_brought_to_the_decoder(
        self, context, layer, channels
    ):
        backbone = keras_rsseg.models.SemanticFPNBackbone(
            TinyEncoder(image_shape=(64, 40, 3)), fpn_dim=8, context=context
        )
        wide = backbone.get_layer(layer).output
        assert wide.shape == (None, 2, 2, channels)
        lateral = backbone.get_layer("lateral_P5")
        assert lateral.input is wide
        assert lateral.output.shape == (None, 2, 2, 8)
        assert backbone.output["features"].shape == (None, 16, 10, 8)
        config = keras.saving.serialize_keras_object(backbone)
        revived = keras.saving.deserialize_keras_object(config)
        assert revived.context == context
        assert revived.count_params() == backbone.count_params()

    def test_dense_deformable_context_has_the_decoders_width(self):
        backbone = keras_rsseg.models.SemanticFPNBackbone(
            TinyEncoder(image_shape=(64, 40, 3)),
            fpn_dim=8,
            context="dense_deformable",
            decoder="sum",
        )
        layer = backbone.get_layer
        # Neither normalised nor rectified, as released.
        assert type(layer("lateral_P5")) is keras.layers.Conv2D
        assert layer("lateral_P5").output.shape == (None, 2, 2, 8)
        # What was added last comes first.
        last = layer("dense_deformable_rate11_join")
        assert last.input[0] is layer("dense_deformable_rate11_conv3").output
        assert last.output.shape == (None, 2, 2, 1408 + 5 * 128)
        assert layer("fusion").sum_levels
        assert backbone.output["features"].shape == (None, 16, 10, 8)
        config = keras.saving.serialize_keras_object(backbone)
        revived = keras.saving.deserialize_keras_object(config)
        assert revived.decoder == "sum"
        assert revived.count_params() == backbone.count_params()

    def test_unknown_decoder_is_refused(self):
        with pytest.raises(ValueError, match="decoder.*'ladders'.*'stairs'"):
            keras_rsseg.models.SemanticFPNBackbone(
                TinyEncoder(), decoder="stairs"
            )

    def test_a_context_goes_under_the_ladders_too(self):
        backbone = keras_rsseg.models.SemanticFPNBackbone(
            TinyEncoder(image_shape=(64, 40, 3)), fpn_dim=8, decoder="ladders"
        )
        pooled = backbone.get_layer("pyramid_pooling").output
        assert backbone.get_layer("neck_P5").input is pooled
        assert backbone.output["features"].shape == (None, 16, 10, 128)

    def test_unknown_context_is_refused(self):
        with pytest.raises(ValueError, match="context.*criss_cross.*'psp'"):
            keras_rsseg.models.SemanticFPNBackbone(TinyEncoder(), context="psp")


@pytest.mark.slow
class TestSum(ContextTester):
    """The decoder that adds all levels."""

    system = keras_rsseg.SemanticFPN
    backbone_arguments = {"fpn_dim": 8, "context": None, "decoder": "sum"}


@pytest.mark.slow
class TestLadders(ContextTester):
    """The decoder of Panoptic FPN, as in mmsegmentation."""

    system = keras_rsseg.SemanticFPN
    backbone_arguments = {
        "fpn_dim": 8,
        "context": None,
        "decoder": "ladders",
        "ladder_filters": 8,
        "align_corners": False,
    }

    def test_resizes_with_borders_aligned(self):
        model = self.make_model()
        assert not model.upsample.align_corners
        assert not model.backbone.get_layer("ladders").align_corners
        features = model.backbone.output["features"]
        assert features.shape[-1] == 8
        # Odd sizes, which no ladder reaches by itself.
        tiles, _ = make_tiles(1, 33, 65)
        logits = for_few_steps(model).predict_on_batch(tiles)
        assert logits.shape == (1, 33, 65, 3)

    def test_channels_are_dropped_in_training_alone(self):
        self.backbone_arguments = {**self.backbone_arguments, "dropout": 0.5}
        backbone = self.make_model().backbone
        assert backbone.get_layer("dropout").rate == 0.5
        assert backbone.get_config()["dropout"] == 0.5
