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

    @pytest.fixture(autouse=True)
    def skip_what_torch_cannot(self, request):
        name = request.node.name
        if keras.backend.backend() == "torch" and "mixed_float16" in name:
            pytest.skip(
                "torch 2.13 on CPU cannot differentiate Keras' float16 3x3 "
                "convolution with one filter"
            )

    def check_compiled_alike(self, actual, expected):
        assert actual.recipe == expected.recipe == "released"

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

    def test_unknown_recipe_is_refused(self):
        with pytest.raises(ValueError, match="paper.*released.*'fast'"):
            self.make_model().compile(recipe="fast")

    def test_backbone_sizes(self):
        backbone = self.make_model({"image_shape": (64, 40, 3)}).backbone
        assert backbone.output["features"].shape == (None, 16, 10, 8)
        shapes = [x.shape[1:] for x in backbone.output["boundary_logits"]]
        assert shapes == [(2, 2, 1), (4, 3, 1), (8, 5, 1)]

    @pytest.mark.parametrize("recipe", ["released", "paper"])
    def test_training_loss_is_the_sum_of_its_parts(self, recipe):
        model = self.make_model(preprocessor=None)
        model.compile(recipe=recipe)
        for_few_steps(model)
        tiles, masks = make_tiles(2, 33, 50)
        tiles = tiles.astype("float32") / 255
        without_dropout(model)
        # Frozen, so that training and inference normalise alike.
        self.randomise_statistics(model)
        for layer in model._flatten_layers():
            if isinstance(layer, keras_rsseg.layers.BatchNorm):
                layer.trainable = False
        network = keras.Model(
            model.backbone.input, model.backbone.output["boundary_logits"]
        )
        network.compile(jit_compile=False)
        for_few_steps(network)
        boundary_logits = network.predict_on_batch(tiles)
        logits = model.predict_on_batch(tiles)
        expected = self.segmentation_loss(recipe, masks, logits)
        balanced = recipe == "released"
        target = boundary_band(masks)
        assert 0 < to_numpy(target).mean() < 1
        parts = [
            float(
                BoundaryCrossEntropy(class_balanced=balanced)(
                    target, resize(level, (33, 50), align_corners=True)
                )
            )
            for level in boundary_logits
        ]
        assert len(parts) == 3 and min(parts) > 0
        expected += (25 if recipe == "released" else 1) * sum(parts)
        # Evaluated before the training step changes the weights.
        validation = model.test_on_batch(tiles, masks)[0]
        loss = model.train_on_batch(tiles, masks[..., None])[0]
        assert float(loss) == pytest.approx(expected, rel=1e-4)
        segmentation = self.segmentation_loss(recipe, masks, logits)
        assert float(validation) == pytest.approx(segmentation, rel=1e-4)

    def segmentation_loss(self, recipe, masks, logits):
        if recipe == "released":
            return float(OhemCrossEntropy()(masks, logits))
        valid = masks != VOID
        ids = masks[valid].astype(int)
        log_softmax = to_numpy(ops.log_softmax(logits[valid]))
        return -log_softmax[np.arange(len(ids)), ids].mean()

    def test_the_loss_sees_more_than_the_user(self):
        model = self.make_model()
        tiles = np.ones((1, 33, 50, 3), "float32")
        assert call(model, tiles).shape == (1, 33, 50, 3)
        outputs = call(model, tiles, training=True)
        assert outputs["logits"].shape == (1, 33, 50, 3)
        shapes = [tuple(x.shape) for x in outputs["boundary_logits"]]
        assert shapes == [(1, 2, 2, 1), (1, 3, 4, 1), (1, 5, 7, 1)]

    def test_integer_tiles_without_preprocessor(self):
        model = for_few_steps(self.make_model(preprocessor=None))
        tiles, masks = make_tiles(2)
        assert np.isfinite(model.train_on_batch(tiles // 64, masks)[0])
