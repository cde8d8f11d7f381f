"""GSCNN: what every system does, its edges and its losses."""

import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.losses import BoundaryCrossEntropy
from keras_rsseg.losses import ImageWeightedCrossEntropy
from keras_rsseg.models.gscnn.dual_task import DualTaskLoss
from keras_rsseg.ops import boundary_band
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.models.tiny_encoder import TinyEncoder
from tests.test_case import to_numpy

LEVELS = ("P1", "P2", "P3", "P4", "P5")


class TestGSCNN(ContextTester):
    system = keras_rsseg.GSCNN
    backbone_arguments = {
        "filters": 16,
        "fine_filters": 4,
        "dilation_rates": (1, 2),
    }

    # Its shape stream is as large.
    large_tile = (520, 130)

    def make_model(self, encoder=None, **kwargs):
        encoder = {"levels": LEVELS, **(encoder or {})}
        return super().make_model(encoder, **kwargs)

    def test_edges_have_the_size_of_the_tile(self):
        model = self.make_model()
        tiles, _ = make_tiles(1, 33, 50)
        outputs = model(tiles / 255.0, training=True)
        assert set(outputs) == {"logits", "edges", "soft_classes"}
        edges = to_numpy(outputs["edges"])
        assert edges.shape == (1, 33, 50, 1)
        assert 0 < edges.min() < edges.max() < 1

    def test_extra_loss_is_the_sum_of_its_parts(self):
        model = self.make_model()
        rng = np.random.default_rng(0)
        masks = make_tiles(2, 16, 16)[1]
        edges = rng.random((2, 16, 16, 1)).astype("float32")
        logits = rng.normal(size=(2, 16, 16, 3)).astype("float32")
        soft = rng.dirichlet([1, 1, 1], (2, 16, 16)).astype("float32")
        outputs = {"edges": edges, "logits": logits, "soft_classes": soft}
        band = boundary_band(masks, 4, void=255, between="classes")
        near = np.where(edges[..., 0] > 0.8, masks, 255)
        assert {0, 1, 2} == set(to_numpy(band).ravel())
        parts = (
            20 * float(BoundaryCrossEntropy()(band, edges)),
            float(ImageWeightedCrossEntropy()(near, logits)),
            float(DualTaskLoss()(masks, soft)),
        )
        assert min(parts) > 0
        found = float(model.extra_loss(masks, outputs))
        assert found == pytest.approx(sum(parts), rel=1e-5)

    def test_edges_may_be_the_last_band_of_a_tile(self, tmp_path):
        self.backbone_arguments = {**self.backbone_arguments, "edge_band": True}
        model = for_few_steps(self.make_model())
        assert model.input_shape == (None, None, None, 4)
        assert model.backbone.image_encoder.input_shape[-1] == 3
        assert model.bands == ("red", "green", "blue", "edges")
        tiles, masks = make_tiles(2, 33, 50)
        edges = np.random.default_rng(0).integers(0, 2, (2, 33, 50, 1)) * 255
        with_edges, without = (
            np.concatenate([tiles, e.astype("uint8")], -1)
            for e in (edges, 0 * edges)
        )
        prepared = to_numpy(model.preprocessor(with_edges))
        assert set(prepared[..., 3].ravel()) == {0, 255}
        # The others are as for an image without the band.
        plain = self.system.preprocessor_cls.image_converter_cls()
        self.assert_close(prepared[..., :3], plain(tiles), 1e-6)
        logits = model.predict_on_batch(with_edges)
        with pytest.raises(AssertionError):
            self.assert_close(model.predict_on_batch(without), logits, 1e-4)
        # Without edges it equals a network without the band.
        self.backbone_arguments["edge_band"] = False
        other = for_few_steps(self.make_model())
        other.set_weights(model.get_weights())
        self.assert_close(
            other.predict_on_batch(tiles),
            model.predict_on_batch(without),
            1e-5,
        )
        assert np.isfinite(model.train_on_batch(with_edges, masks)[0])
        model.save_to_preset(tmp_path)
        loaded = for_few_steps(keras_rsseg.from_preset(str(tmp_path)))
        self.assert_close(
            loaded.predict_on_batch(with_edges),
            model.predict_on_batch(with_edges),
            1e-5,
        )

    def test_an_encoder_without_its_stem_is_refused(self):
        with pytest.raises(
            ValueError, match='`image_encoder`.*finest_level="P1'
        ):
            keras_rsseg.models.GSCNNBackbone(TinyEncoder())
