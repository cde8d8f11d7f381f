"""Bad input is refused before it costs anything, with a clear message."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.class_legends import colors_of
from keras_rsseg.errors import MaskError
from keras_rsseg.models import SemanticFPNBackbone
from keras_rsseg.models.compiled_task import default_optimizer
from keras_rsseg.rasters.opener import open_raster
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import iterations
from tests.models.segmenter_tester import make_tiles
from tests.models.tiny_encoder import TinyEncoder
from tests.test_case import TestCase
from tests.test_case import to_numpy


def make_model(num_classes=3, bands=3, **kwargs):
    encoder = TinyEncoder(image_shape=(None, None, bands))
    backbone = SemanticFPNBackbone(encoder, fpn_dim=8, context=None)
    return keras_rsseg.SemanticFPN(backbone, num_classes, **kwargs)


def bad_pairs():
    """Name, tiles, masks and what the message must contain."""
    tiles, masks = make_tiles(2, 16, 16)
    wrong_id, negative = masks.copy(), masks.astype("int32")
    wrong_id[1, 15, 15] = 3
    negative[0, 0, 0] = -1
    return {
        "bands": (tiles[..., :2], masks, "3 bands.*2 bands"),
        "one tile": (tiles[0], masks[0], r"shape \(batch, .*\(16, 16, 3\)"),
        "smaller masks": (tiles, masks[:, :8], r"masks \(2, 8, 16\), tiles"),
        "fewer masks": (tiles, masks[:1], r"masks \(1, 16, 16\), tiles"),
        "one-hot masks": (
            tiles,
            np.eye(256, dtype="uint8")[masks][..., :3],
            r"\(batch, height, width, 1\).*\(2, 16, 16, 3\).*argmax\(-1\)",
        ),
        "unknown id": (tiles, wrong_id, r"ids 0 to 2 and 255.*\[3\]"),
        "negative id": (tiles, negative, r"ids 0 to 2 and 255.*\[-1\]"),
    }


class TestBadTilesAndMasks:
    @pytest.mark.parametrize("name", bad_pairs())
    def test_arrays_are_refused_before_the_first_step(self, name):
        tiles, masks, message = bad_pairs()[name]
        good = make_tiles(2, 16, 16)
        model = make_model()
        with pytest.raises(ValueError, match=message):
            model.fit(tiles, masks, verbose=0)
        with pytest.raises(ValueError, match=message):
            model.fit(*good, validation_data=(tiles, masks), verbose=0)
        with pytest.raises(ValueError, match=message):
            model.evaluate(tiles, masks, verbose=0)
        with pytest.raises(ValueError, match=message):
            model.train_on_batch(tiles, masks)
        assert iterations(model) == 0

    def test_tiles_to_predict_are_checked(self):
        model = make_model()
        tiles, _ = make_tiles(1, 16, 16)
        with pytest.raises(ValueError, match="3 bands.*4 bands"):
            model.predict_on_batch(np.concatenate([tiles, tiles], -1)[..., :4])
        with pytest.raises(ValueError, match="3 bands.*2 bands"):
            model.predict(tiles[..., :2], verbose=0)

    def test_tensors_are_checked_like_arrays(self):
        tiles, masks, message = bad_pairs()["unknown id"]
        tiles = keras.ops.convert_to_tensor(tiles)
        masks = keras.ops.convert_to_tensor(masks)
        with pytest.raises(ValueError, match=message):
            make_model().fit(tiles, masks, verbose=0)

    @pytest.mark.parametrize("batched", [True, False])
    def test_pipeline_names_the_ids_it_came_by(self, batched):
        tf = pytest.importorskip("tensorflow")
        if keras.backend.backend() != "tensorflow":
            pytest.skip("tf.data is read the same way on every backend")
        tiles, masks, _ = bad_pairs()["unknown id"]
        data = tf.data.Dataset.from_tensor_slices((tiles, masks)).batch(1)
        if not batched:  # unknown sizes while tracing
            data = tf.data.Dataset.from_generator(
                lambda: iter([(tiles, masks)]),
                output_signature=(
                    tf.TensorSpec((None, None, None, 3), tf.uint8),
                    tf.TensorSpec((None, None, None), tf.uint8),
                ),
            )
        # TensorFlow's error, unless the first batch is at fault.
        error = tf.errors.InvalidArgumentError if batched else MaskError
        with pytest.raises(error, match=r"(?s)ids 0 to 2 and 255.*\[3\]"):
            for_few_steps(make_model()).fit(data, verbose=0)

    def test_pipeline_of_wrong_sizes_is_refused(self):
        tf = pytest.importorskip("tensorflow")
        if keras.backend.backend() != "tensorflow":
            pytest.skip("tf.data is read the same way on every backend")
        tiles, masks, _ = bad_pairs()["smaller masks"]
        data = tf.data.Dataset.from_tensor_slices((tiles, masks)).batch(2)
        with pytest.raises(ValueError, match="height and width"):
            for_few_steps(make_model()).fit(data, verbose=0)


class TestNoTiles:
    @pytest.mark.parametrize("method", ["predict", "predict_on_batch"])
    def test_have_no_logits(self, method):
        model = make_model()
        logits = getattr(model, method)(np.zeros((0, 16, 24, 3), "uint8"))
        assert logits.shape == (0, 16, 24, 3) and logits.dtype == "float32"
        with pytest.raises(ValueError, match="3 bands.*2 bands"):
            getattr(model, method)(np.zeros((0, 16, 24, 2), "uint8"))

    def test_are_nothing_to_train_on(self):
        model, nothing = make_model(), np.zeros((0, 16, 16, 3), "uint8")
        for method in (
            *(model.fit, model.evaluate),
            *(model.train_on_batch, model.test_on_batch),
        ):
            with pytest.raises(ValueError, match="at least one tile"):
                method(nothing, nothing[..., 0])


class TestArguments:
    @pytest.mark.parametrize("num_classes", [0, 256, -1])
    def test_number_of_classes(self, num_classes):
        with pytest.raises(ValueError, match=f"num_classes={num_classes}"):
            make_model(num_classes)

    def test_as_many_classes_as_ids(self):
        assert make_model(255).output_shape[-1] == 255

    @pytest.mark.parametrize(
        "arguments, message",
        [
            ({"class_names": ["a"]}, "`class_names` .*1 entries.*=3"),
            ({"palette": [(0, 0, 0)] * 4}, "`palette` .*4 entries.*=3"),
            ({"display_palette": [(0, 0, 0)]}, "`display_palette` .*1 entries"),
        ],
    )
    def test_legend_of_another_length(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            make_model(**arguments)


class TestDisplayPalette:
    """Masks keep the colours of their data set, maps have others."""

    PALETTE = [(1, 1, 1), (2, 2, 2), (3, 3, 3)]
    DISPLAY = [(10, 0, 0), (0, 10, 0), (0, 0, 10)]

    def test_is_saved_and_colours_maps(self, tmp_path):
        model = make_model(palette=self.PALETTE, display_palette=self.DISPLAY)
        model.save_to_preset(tmp_path / "preset")
        model = keras_rsseg.from_preset(tmp_path / "preset")
        assert model.palette == self.PALETTE
        assert model.display_palette == self.DISPLAY
        keras.utils.save_img(
            tmp_path / "scene.png", make_tiles(1, 32, 32)[0][0], scale=False
        )
        options = {"tile_size": 32, "progress": False}
        keras_rsseg.predict_scene(
            model, tmp_path / "scene.png", tmp_path / "map.tif", **options
        )
        with open_raster(tmp_path / "map.tif") as dataset:
            colors = dataset.colormap(1)
        assert [colors[i][:3] for i in range(3)] == self.DISPLAY

    def test_makes_way_for_colours_of_ones_own(self, tmp_path):
        model = make_model(palette=self.PALETTE, display_palette=self.DISPLAY)
        model.save_to_preset(tmp_path)
        own = keras_rsseg.from_preset(tmp_path, palette=self.PALETTE[::-1])
        assert colors_of(own) == own.palette == self.PALETTE[::-1]
        other = keras_rsseg.from_preset(tmp_path, num_classes=4)
        assert colors_of(other) is None

    def test_of_presets_is_that_of_their_data(self):
        facts = keras_rsseg.datasets.facts("dubai")
        assert facts.display_palette != facts.palette
        assert facts.as_metadata()["display_palette"]
        preset = keras_rsseg.list_presets()["hrnet_w18_dubai"]
        assert preset["display_palette"] == facts.display_palette


class TestSegmenter(TestCase):
    def test_sizes_given_as_numbers(self):
        encoder = TinyEncoder(image_shape=(24, 40, 3))
        backbone = SemanticFPNBackbone(encoder, fpn_dim=8)
        model = keras_rsseg.SemanticFPN(backbone, 2)
        assert model.output_shape == (None, 24, 40, 2)

    def test_other_bands_are_named_and_scaled(self):
        model = make_model(bands=5)
        assert model.bands == tuple(f"band_{i}" for i in range(1, 6))
        assert model.ground_sample_distance is None
        assert model.value_range == (0, 255)
        tiles = np.full((1, 8, 8, 5), 255, "uint8")
        self.assert_close(model.preprocessor(tiles), np.ones(tiles.shape))
        assert model.predict_on_batch(tiles).shape == (1, 8, 8, 3)

    def test_default_normalisation_is_that_of_imagenet(self):
        model = make_model()
        tiles = np.zeros((1, 2, 2, 3), "uint8")
        tiles[..., 0] = 255
        actual = to_numpy(model.preprocessor(tiles))[0, 0, 0]
        expected = (np.array([1, 0, 0]) - [0.485, 0.456, 0.406]) / [
            0.229,
            0.224,
            0.225,
        ]
        self.assert_close(actual, expected)

    def test_without_preprocessor_nothing_is_known_of_the_bands(self):
        model = make_model(preprocessor=None)
        assert model.bands is None
        assert model.ground_sample_distance is None
        assert model.value_range is None

    def test_void_counts_neither_in_the_loss_nor_in_the_metric(self):
        model = for_few_steps(make_model())
        tiles, masks = make_tiles(2, 16, 16)
        found = model.evaluate(tiles, masks, verbose=0, return_dict=True)
        logits = model.predict_on_batch(tiles)
        valid = masks != 255
        assert not valid.all()
        ids, chosen = masks[valid].astype(int), logits[valid]
        normalised = chosen - np.log(np.exp(chosen).sum(-1, keepdims=True))
        loss = -normalised[np.arange(len(ids)), ids].mean()
        assert found["loss"] == pytest.approx(loss, rel=1e-4)
        best, scores = chosen.argmax(-1), []
        for i in range(3):
            union = (best == i) | (ids == i)
            if union.any():
                scores.append(((best == i) & (ids == i)).sum() / union.sum())
        assert found["mean_iou"] == pytest.approx(np.mean(scores), rel=1e-5)

    def test_weight_decay_equals_that_of_torch(self):
        # One weight, constant gradient 1 of the loss, 400 steps of torch.
        weight = momentum = 0.0
        for _ in range(400):
            momentum = 0.9 * momentum + 1.0 + 1e-4 * weight
            weight -= 0.01 * momentum
        variable = keras.Variable(0.0)
        optimizer = default_optimizer()
        for _ in range(400):
            optimizer.apply([keras.ops.ones(())], [variable])
        assert float(to_numpy(variable)) == pytest.approx(weight, rel=1e-3)

    def test_own_loss_and_metrics(self):
        model = make_model()
        model.compile(
            optimizer="adam",
            loss=keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=255
            ),
            metrics=[],
        )
        assert set(
            model.evaluate(*make_tiles(2, 16, 16), verbose=0, return_dict=True)
        ) == {"loss"}
