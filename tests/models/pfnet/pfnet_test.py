"""PFNet: what every system does, and its loss with boundaries."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_rsseg
from keras_rsseg.losses import BoundaryCrossEntropy
from keras_rsseg.losses import OhemCrossEntropy
from keras_rsseg.ops import boundary_band
from keras_rsseg.ops import resize
from tests.layers.compiled import call
from tests.models.segmenter_tester import VOID
from tests.models.segmenter_tester import SegmenterTester
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.models.segmenter_tester import without_dropout
from tests.test_case import to_numpy


class TestPFNet(SegmenterTester):
    system = keras_rsseg.PFNet
    backbone_arguments = {
        "fpn_dim": 8,
        "match_dim": 4,
        "max_pool_size": 3,
        "avg_pool_size": 2,
        "num_boundary_points": 5,
    }

    def check_compiled_alike(self, actual, expected):
        assert actual.recipe == expected.recipe == "released"

    def test_trains_with_one_tile(self):
        # As in an epoch's last batch. Keras' convolutions with one filter fail
        # here, on torch's CPU.
        model = for_few_steps(self.make_model())
        before = [to_numpy(v) for v in model.trainable_variables]
        assert np.isfinite(model.train_on_batch(*make_tiles(1, 33, 50))[0])
        self.assert_finite(model.weights)
        for value, variable in zip(
            before, model.trainable_variables, strict=True
        ):
            assert np.any(to_numpy(variable) != value), variable.path

    def test_paper_recipe_survives_saving(self, tmp_path):
        model = self.make_model()
        model.compile(recipe="paper")
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert loaded.recipe == "paper"
        assert loaded.boundary_weight == 1.0
        assert not loaded.boundary_loss.class_balanced
        assert isinstance(
            loaded.loss, keras.losses.SparseCategoricalCrossentropy
        )

    def test_can_be_cloned(self):
        model = self.make_model()
        clone = keras.models.clone_model(model)
        assert clone.count_params() == model.count_params()

    def test_unknown_recipe_is_refused(self):
        with pytest.raises(ValueError, match="paper.*released.*'fast'"):
            self.make_model().compile(recipe="fast")
        with pytest.raises(ValueError, match="background.*classes.*'all'"):
            self.make_model().compile(boundaries="all")

    def test_what_a_boundary_is_can_be_chosen(self):
        model = self.make_model()
        assert model.boundaries == "background"
        model.compile(recipe="paper")
        assert model.boundaries == "classes"
        model.compile(boundaries="classes")
        assert model.recipe == "released"
        assert model.compile_arguments()["boundaries"] == "classes"

    def test_backbone_sizes(self):
        backbone = self.make_model({"image_shape": (64, 40, 3)}).backbone
        assert backbone.output["features"].shape == (None, 16, 10, 8)
        shapes = [x.shape[1:] for x in backbone.output["boundary_logits"]]
        assert shapes == [(2, 2, 1), (4, 3, 1), (8, 5, 1)]

    @pytest.mark.parametrize(
        "recipe, data_format",
        [("released", "channels_last"), ("paper", "channels_first")],
    )
    def test_training_loss_is_the_sum_of_its_parts(self, recipe, data_format):
        if keras.backend.backend() == "tensorflow":
            data_format = "channels_last"  # all that its CPU kernels know
        model = self.make_model({"data_format": data_format}, preprocessor=None)
        model.compile(recipe=recipe)
        for_few_steps(model)
        # Integers, which a model without a preprocessor gets unchanged.
        tiles, masks = make_tiles(2, 33, 50)
        tiles = tiles // 64
        self.freeze(model)
        outputs = call(model, tiles.astype("float32"), training=True)
        expected = self.segmentation_loss(recipe, masks, outputs["logits"])
        # Evaluated before the training step changes the weights.
        validation = model.test_on_batch(tiles, masks)[0]
        assert float(validation) == pytest.approx(expected, rel=1e-4)
        balanced, weight = (True, 25) if recipe == "released" else (False, 1)
        target = boundary_band(masks)
        if recipe == "paper":
            target = boundary_band(masks, void=VOID, between="classes")
        assert {0, 1} <= set(to_numpy(target).ravel())
        levels = [to_numpy(x) for x in outputs["boundary_logits"]]
        if data_format == "channels_first":
            levels = [x.transpose(0, 2, 3, 1) for x in levels]
        shapes = [x.shape for x in levels]
        assert shapes == [(2, 2, 2, 1), (2, 3, 4, 1), (2, 5, 7, 1)]
        for boundary_logits in levels:
            part = BoundaryCrossEntropy(class_balanced=balanced)(
                target,
                resize(
                    boundary_logits,
                    (33, 50),
                    align_corners=True,
                    data_format="channels_last",
                ),
            )
            assert float(part) > 0
            expected += weight * float(part)
        loss = model.train_on_batch(tiles, masks[..., None])[0]
        assert float(loss) == pytest.approx(expected, rel=1e-4)

    def freeze(self, model):
        """Make training normalise as inference does, and repeatable."""
        without_dropout(model)
        self.randomise_statistics(model)
        for layer in model._flatten_layers():
            if isinstance(layer, keras_rsseg.layers.BatchNorm):
                layer.trainable = False

    def segmentation_loss(self, recipe, masks, logits):
        logits = to_numpy(logits)
        if recipe == "released":
            return float(OhemCrossEntropy()(masks, logits))
        valid = masks != VOID
        ids = masks[valid].astype(int)
        log_softmax = to_numpy(ops.log_softmax(logits[valid]))
        return -log_softmax[np.arange(len(ids)), ids].mean()
