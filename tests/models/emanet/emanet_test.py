"""EMANet: it trains, saves and loads, and its bases move in training."""

import numpy as np
import pytest

import keras_rsseg
from tests.layers.compiled import call
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.test_case import to_numpy


class TestEMANet(ContextTester):
    system = keras_rsseg.EMANet
    backbone_arguments = {
        "filters": 32,
        "context_filters": 32,
        "num_bases": 4,
    }

    @pytest.mark.parametrize("momentum, moves", [(0.9, True), (1.0, False)])
    def test_bases_move_in_training_alone(self, momentum, moves):
        self.backbone_arguments = {
            **self.backbone_arguments,
            "momentum": momentum,
            "join_input": True,
            "auxiliary_filters": 8,
        }
        model = for_few_steps(self.make_model())
        layer = model.backbone.get_layer("expectation_maximization")
        before = [to_numpy(v) for v in (layer.bases, layer.kernel)]
        tiles, masks = make_tiles(2, 33, 50)
        model.predict_on_batch(tiles)
        model.test_on_batch(tiles, masks)
        np.testing.assert_array_equal(to_numpy(layer.bases), before[0])
        assert np.isfinite(model.train_on_batch(tiles, masks)[0])
        moved = np.abs(to_numpy(layer.bases) - before[0]).max()
        assert (moved > 1e-4) == moves
        # No gradient reaches the convolution, and no weight decay either.
        np.testing.assert_array_equal(to_numpy(layer.kernel), before[1])

    def test_auxiliary_classifier_learns_and_is_saved(self, tmp_path):
        self.backbone_arguments = {
            **self.backbone_arguments,
            "auxiliary_filters": 8,
        }
        model = for_few_steps(self.make_model(class_names=["a", "b", "c"]))
        tiles, masks = make_tiles(2, 33, 50)
        head = model.auxiliary_classifier
        before = [to_numpy(v) for v in head.weights]
        assert np.isfinite(model.train_on_batch(tiles, masks)[0])
        learned = [to_numpy(v) for v in head.weights]
        assert np.abs(learned[0] - before[0]).max() > 0
        model.save_to_preset(tmp_path)
        loaded = self.system.from_preset(
            str(tmp_path), class_names=["c", "a", "b"]
        )
        for variable, value in zip(
            loaded.auxiliary_classifier.weights, learned, strict=True
        ):
            np.testing.assert_array_equal(
                to_numpy(variable), value[..., [2, 0, 1]]
            )

    def test_auxiliary_loss_is_weighed_and_for_training_alone(self):
        self.backbone_arguments = {
            **self.backbone_arguments,
            "auxiliary_filters": 8,
        }
        model = for_few_steps(self.make_model(preprocessor=None))
        tiles, masks = make_tiles(2, 33, 50)
        outputs = call(model, tiles.astype("float32") / 64, training=True)
        assert set(outputs) == {"logits", "auxiliary_logits"}
        assert outputs["auxiliary_logits"].shape == (2, 33, 50, 3)
        loss = model.default_loss()(masks, outputs["auxiliary_logits"])
        found = float(to_numpy(model.extra_loss(masks, outputs)))
        assert found == pytest.approx(0.4 * float(to_numpy(loss)), 1e-5)
