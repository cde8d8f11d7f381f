"""PointRend: what every system does, and its point loss."""

import keras
import numpy as np
import pytest

import keras_rsseg
from tests.layers.compiled import call
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.test_case import to_numpy


class TestPointRend(ContextTester):
    system = keras_rsseg.PointRend
    backbone_arguments = {
        "filters": 8,
        "coarse_filters": 16,
        "num_points": 50,
        "training_points": 64,
    }

    def test_loss_is_that_of_the_coarse_map_and_of_points(self):
        model = for_few_steps(self.make_model(preprocessor=None))
        tiles, masks = make_tiles(2, 33, 50)
        outputs = call(model, tiles.astype("float32") / 64, training=True)
        shapes = {name: tuple(x.shape) for name, x in outputs.items()}
        assert shapes == {
            "logits": (2, 33, 50, 3),
            "points": (2, 64, 2),
            "point_logits": (2, 64, 3),
        }
        places = to_numpy(outputs["points"]) * [50, 33]
        columns, rows = np.floor(places).astype(int).transpose(2, 0, 1)
        labels = masks[np.arange(2)[:, None], rows, columns]
        logits = to_numpy(outputs["point_logits"]).astype("float64")
        valid = labels != 255
        logits = logits[valid] - logits[valid].max(-1, keepdims=True)
        likelihoods = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        ids = labels[valid].astype(int)
        expected = -likelihoods[np.arange(len(ids)), ids].mean()
        for y_true in (masks, masks[..., None]):
            found = float(to_numpy(model.extra_loss(y_true, outputs)))
            assert found == pytest.approx(expected, 1e-4)

    def test_points_learn(self):
        model = for_few_steps(self.make_model())
        before = [to_numpy(v) for v in model.trainable_variables]
        assert np.isfinite(model.train_on_batch(*make_tiles(2, 33, 50))[0])
        for value, variable in zip(
            before, model.trainable_variables, strict=True
        ):
            assert np.any(to_numpy(variable) != value), variable.path

    def test_reordered_classes(self, tmp_path):
        # The published number of points is not absurd for a preset.
        self.backbone_arguments = {**self.backbone_arguments}
        del self.backbone_arguments["num_points"]
        model = for_few_steps(self.make_model(class_names=["a", "b", "c"]))
        self.randomise_statistics(model)
        model.save_to_preset(tmp_path)
        loaded = for_few_steps(
            self.system.from_preset(str(tmp_path), class_names=["c", "a", "b"])
        )
        tiles, _ = make_tiles(2, 33, 50)
        expected = model.predict_on_batch(tiles)[..., [2, 0, 1]]
        self.assert_close(loaded.predict_on_batch(tiles), expected, 1e-5)

    @pytest.mark.parametrize(
        "coarse, channels, size",
        [("deeplab_v3", 8, 8), ("deeplab_v3_plus", 8, 16)],
    )
    def test_on_deeplab(self, coarse, channels, size):
        encoder = keras_rsseg.encoders.ResNetEncoder(
            18,
            stackwise_strides=(1, 2, 1, 1),
            stackwise_dilations=(1, 1, 2, 4),
            image_shape=(64, 64, 3),
        )
        backbone = keras_rsseg.models.PointRendBackbone(
            encoder,
            coarse,
            filters=8,
            dilation_rates=(2, 4),
            steps=3 if coarse == "deeplab_v3" else 2,
            num_points=50,
            hidden_layers=0,
            training_points=64,
            use_refined=True,
            align_corners=True,
        )
        shapes = {name: x.shape for name, x in backbone.output.items()}
        assert shapes == {
            "features": (None, size, size, channels),
            "point_features": (None, 8, 8, 128),
        }
        model = for_few_steps(keras_rsseg.PointRend(backbone, num_classes=3))
        tiles, masks = make_tiles(2)
        assert np.isfinite(model.train_on_batch(tiles, masks)[0])
        assert model.predict_on_batch(tiles).shape == (2, 64, 64, 3)
        config = keras.saving.serialize_keras_object(backbone)
        revived = keras.saving.deserialize_keras_object(config)
        assert revived.get_config() == backbone.get_config()

    def test_unknown_coarse_network_is_refused(self):
        self.backbone_arguments = {"coarse": "deeplab"}
        with pytest.raises(ValueError, match="coarse.*deeplab_v3.*'deeplab'"):
            self.make_model()
