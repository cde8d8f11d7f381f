"""UNet: what every system does, with the level P1 and without it."""

import pytest

import keras_rsseg
from tests.models.context_tester import ContextTester
from tests.models.tiny_encoder import TinyEncoder

LEVELS = ("P1", "P2", "P3", "P4", "P5")


class TestUNet(ContextTester):
    system = keras_rsseg.UNet
    # The last block has the size of the tile.
    backbone_arguments = {"decoder_filters": (8, 8, 8, 4, 4)}

    def test_trains_and_is_the_same_after_loading(self, tmp_path):
        self.backbone_arguments = {"decoder_filters": (16, 12, 10, 8, 8)}
        super().test_trains_and_is_the_same_after_loading(tmp_path)

    def make_model(self, encoder=None, **kwargs):
        if encoder is None or isinstance(encoder, dict):
            encoder = {"levels": LEVELS, **(encoder or {})}
        return super().make_model(encoder, **kwargs)

    def test_each_block_has_the_size_of_a_level(self):
        encoder = TinyEncoder(LEVELS, image_shape=(64, 40, 3))
        backbone = keras_rsseg.models.UNetBackbone(
            encoder, decoder_filters=(16, 12, 10, 8, 6)
        )
        shapes = {
            level: backbone.get_layer(f"decoder_{level}_conv2").output.shape
            for level in ("P0", *LEVELS[:-1])
        }
        assert shapes == {
            "P0": (None, 64, 40, 6),
            "P1": (None, 32, 20, 8),
            "P2": (None, 16, 10, 10),
            "P3": (None, 8, 5, 12),
            "P4": (None, 4, 3, 16),
        }
        # The last block joins nothing, and the first joins the map below.
        names = [layer.name for layer in backbone.layers]
        assert "concatenate_P0" not in names
        below, level = backbone.get_layer("concatenate_P4").input
        assert below is backbone.get_layer("resize_P4").output
        assert level.shape == (None, 4, 3, 10)

    def test_without_the_level_of_stride_2(self):
        backbone = keras_rsseg.models.UNetBackbone(
            TinyEncoder(), **self.backbone_arguments
        )
        names = [layer.name for layer in backbone.layers]
        assert "decoder_P2_conv1" in names and "decoder_P0_conv1" in names
        assert "decoder_P1_conv1" not in names

    @pytest.mark.parametrize("filters", [(8, 8), (8, 8, 8, 8, 0)])
    def test_wrong_filters_are_named(self, filters):
        with pytest.raises(ValueError, match="`decoder_filters` must be 5"):
            keras_rsseg.models.UNetBackbone(
                TinyEncoder(LEVELS), decoder_filters=filters
            )
