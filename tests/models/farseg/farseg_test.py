"""FarSeg: what every system does, and how its loss is annealed."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.losses import AdvanceAnnealing
from keras_rsseg.losses import ForegroundAwareLoss
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import make_tiles


class TestFarSeg(ContextTester):
    system = keras_rsseg.FarSeg
    backbone_arguments = {"fpn_dim": 8, "decoder_filters": 8}
    history_keys = ContextTester.history_keys | {
        "annealing",
        "val_annealing",
    }

    def test_trains_and_is_the_same_after_loading(self, tmp_path):
        # A smaller one takes longer to learn.
        self.backbone_arguments = {"fpn_dim": 32, "decoder_filters": 64}
        super().test_trains_and_is_the_same_after_loading(tmp_path)

    def check_compiled_alike(self, actual, expected):
        assert actual.loss.get_config() == expected.loss.get_config()
        assert actual.optimizer.global_clipnorm == 35

    def test_default_recipe_is_the_released_one(self):
        model = self.make_model()
        assert type(model.loss) is ForegroundAwareLoss
        assert model.loss.gamma == 2
        assert model.loss.annealing.steps == 10000
        assert model.loss.annealing.schedule == "cosine"
        assert float(model.optimizer.learning_rate) == pytest.approx(0.007)

    def test_fit_advances_the_annealing_by_itself(self, tmp_path):
        model = self.make_model()
        loss = ForegroundAwareLoss(annealing_steps=4, annealing="linear")
        model.compile(loss=loss)
        tiles, masks = make_tiles(2, 32, 32)
        fit = {"batch_size": 1, "verbose": 0}
        history = model.fit(tiles, masks, **fit).history
        # Told the number of previous steps before each; the last is 1 of 4.
        assert history["annealing"] == [0.75]
        model.save(tmp_path / "model.keras")
        model = keras.saving.load_model(tmp_path / "model.keras")
        history = model.fit(tiles, masks, **fit).history
        assert history["annealing"] == [0.25]
        # One given by the user is enough.
        callback = AdvanceAnnealing(model.loss)
        history = model.fit(tiles, masks, **fit, callbacks=[callback]).history
        assert history["annealing"] == [0.0]

    def test_other_losses_have_no_annealing(self):
        model = self.make_model()
        model.compile(loss="sparse_categorical_crossentropy")
        tiles, masks = make_tiles(1, 32, 32)
        history = model.fit(tiles, masks, verbose=0).history
        assert set(history) == {"loss", "mean_iou"}

    def test_the_scene_matters_everywhere(self):
        model = self.make_model()
        self.randomise_statistics(model)
        tiles = np.zeros((2, 256, 64, 3), "uint8")
        # Far from the compared pixels.
        tiles[1, -64:] = 255
        logits = model.predict_on_batch(tiles)
        assert np.abs(logits[0, :32] - logits[1, :32]).max() > 1e-4
