"""EncNet: it trains, saves and loads, and knows which classes a tile has."""

import keras
import numpy as np
import pytest

import keras_rsseg
from tests.layers.compiled import call
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.models.tiny_encoder import TinyEncoder
from tests.test_case import to_numpy


class TestEncNet(ContextTester):
    system = keras_rsseg.EncNet
    backbone_arguments = {"filters": 32, "num_codewords": 4}

    def test_loss_is_that_of_logits_presence_and_auxiliary(self):
        self.backbone_arguments = {
            **self.backbone_arguments,
            "auxiliary_filters": 8,
        }
        model = for_few_steps(self.make_model(preprocessor=None))
        tiles, masks = make_tiles(2, 33, 50)
        outputs = call(model, tiles.astype("float32") / 64, training=True)
        shapes = {name: tuple(x.shape) for name, x in outputs.items()}
        assert shapes == {
            "logits": (2, 33, 50, 3),
            "auxiliary_logits": (2, 33, 50, 3),
            "presence_logits": (2, 3),
        }
        logits = to_numpy(outputs["presence_logits"]).astype("float64")
        present = np.array([[c in mask for c in range(3)] for mask in masks])
        errors = np.log1p(np.exp(np.where(present, -logits, logits)))
        auxiliary = model.default_loss()(masks, outputs["auxiliary_logits"])
        expected = 0.4 * float(to_numpy(auxiliary)) + 0.2 * errors.mean()
        found = float(to_numpy(model.extra_loss(masks[..., None], outputs)))
        assert found == pytest.approx(expected, 1e-5)

    def test_presence_classifier_learns_and_is_in_the_preset(self, tmp_path):
        model = for_few_steps(self.make_model(class_names=["a", "b", "c"]))
        tiles, masks = make_tiles(2, 33, 50)
        before = to_numpy(model.presence_classifier.kernel)
        model.train_on_batch(tiles, masks)
        learned = to_numpy(model.presence_classifier.kernel)
        assert np.abs(learned - before).max() > 0
        model.save_to_preset(tmp_path)
        loaded = self.system.from_preset(
            str(tmp_path), class_names=["c", "a", "b"]
        )
        np.testing.assert_array_equal(
            to_numpy(loaded.presence_classifier.kernel), learned[:, [2, 0, 1]]
        )

    def test_as_pfnet_released_it(self):
        # All levels have one size, as at output stride 8.
        encoder = keras_rsseg.encoders.ResNetEncoder(
            18,
            stackwise_strides=(1, 2, 1, 1),
            stackwise_dilations=(1, 1, 2, 4),
        )
        backbone = keras_rsseg.models.EncNetBackbone(
            encoder,
            filters=8,
            square_scale=True,
            joined_levels=["P3", "P4"],
            presence=False,
        )
        model = for_few_steps(keras_rsseg.EncNet(backbone, num_classes=3))
        assert model.presence_classifier is None
        assert list(backbone.output) == ["features"]
        assert np.isfinite(model.train_on_batch(*make_tiles(2, 33, 50))[0])
        config = keras.saving.serialize_keras_object(backbone)
        revived = keras.saving.deserialize_keras_object(config)
        assert revived.joined_levels == ("P3", "P4")
        assert revived.count_params() == backbone.count_params()

    def test_other_levels_are_refused(self):
        with pytest.raises(ValueError, match="joined_levels.*'P2'"):
            keras_rsseg.models.EncNetBackbone(
                TinyEncoder(), joined_levels=("P2",)
            )
