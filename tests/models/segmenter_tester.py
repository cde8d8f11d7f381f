"""What every system must do, so that the test of a new one is short.

```python
class TestSystem(SegmenterTester):
    system = keras_rsseg.System
    backbone_arguments = {"fpn_dim": 8}
```
"""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.layers.flow_conv import FlowConv
from tests.models.tiny_encoder import TinyEncoder
from tests.test_case import TestCase
from tests.test_case import to_numpy

COLORS = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200]], "uint8")
VOID = 255


def make_tiles(batch=4, height=64, width=64, seed=0):
    """Tiles whose colour tells the class, and masks with void pixels."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, (batch, 2, 2))
    rows = np.arange(height) * 2 // height
    columns = np.arange(width) * 2 // width
    masks = classes[:, rows[:, None], columns]
    noise = rng.integers(0, 40, (batch, height, width, 3), "uint8")
    tiles = COLORS[masks] + noise
    masks[:, : height // 8, : width // 2] = VOID
    return tiles, masks.astype("uint8")


def iterations(model):
    return int(to_numpy(model.optimizer.iterations))


def without_dropout(model):
    """Make training reproducible."""
    for layer in model._flatten_layers():
        if hasattr(layer, "rate"):
            layer.rate = 0.0


def for_few_steps(model):
    """Return the model without graphs, which TensorFlow is slow to make.

    JAX would compile each operation separately, so it keeps its functions.
    """
    model.run_eagerly = keras.backend.backend() == "tensorflow"
    return model


class SegmenterTester(TestCase):
    """Derive from it and set:

    Attributes:
        system: the task's class.
        backbone_arguments: dict, arguments of a small backbone.
        history_keys: set, what the history of `fit()` has.
    """

    system = None
    backbone_arguments = {}
    slow_tests = ()
    history_keys = {"loss", "mean_iou", "val_loss", "val_mean_iou"}

    # Heights and widths of tiles: one that no stride divides, and one with
    # more pixels than float16 can count.
    sizes = ((64, 64), (33, 65), (2, 1))
    odd_tile = (33, 50)
    large_tile = (512, 512)
    # Another shape for which a preset can be loaded, if any.
    other_shape = (64, 32, 3)

    def make_model(self, encoder=None, **kwargs):
        """Return a small task of three classes.

        Args:
            encoder: dict of arguments of `TinyEncoder`, or an encoder.
            **kwargs: arguments of the task.
        """
        if encoder is None or isinstance(encoder, dict):
            encoder = TinyEncoder(**(encoder or {}))
        backbone = self.system.backbone_cls(
            encoder, dtype=encoder.dtype_policy, **self.backbone_arguments
        )
        return self.system(backbone, **{"num_classes": 3, **kwargs})

    def check_compiled_alike(self, actual, expected):
        """Hook to check that other arguments of `compile()` survive saving."""

    def randomise_statistics(self, model, seed=0):
        """Set moving statistics with which no map is all zero or constant."""
        rng = np.random.default_rng(seed)
        for variable in model.weights:
            if variable.path.endswith("moving_mean"):
                variable.assign(rng.normal(0, 0.1, variable.shape))
            if variable.path.endswith("moving_variance"):
                variable.assign(rng.uniform(0.2, 0.5, variable.shape))

    def test_predicts_tiles_of_any_size(self):
        model = self.make_model()
        # Otherwise Keras on JAX first runs it operation by operation.
        assert all(layer.built for layer in model._flatten_layers())
        for height, width in self.sizes:
            tiles, _ = make_tiles(2, height, width)
            logits = model.predict_on_batch(tiles)
            assert logits.shape == (2, height, width, 3)
            assert logits.dtype == "float32"
            self.assert_finite(logits)
        logits = model.predict_on_batch(make_tiles(2)[0])
        assert np.ptp(logits, axis=(0, 1, 2)).min() > 0
        predicted = model.predict(make_tiles(2)[0], verbose=0)
        self.assert_close(predicted, logits, 1e-5)

    def test_trains_and_is_the_same_after_loading(self, tmp_path):
        tiles, masks = make_tiles()
        model = self.make_model()
        before = model.evaluate(tiles, masks, verbose=0, return_dict=True)
        history = model.fit(
            tiles,
            masks,
            epochs=10,
            batch_size=4,
            validation_data=(tiles, masks[..., None]),
            verbose=0,
        ).history
        assert set(history) == self.history_keys
        assert history["loss"][-1] < 0.9 * history["loss"][0]
        assert history["mean_iou"][-1] > history["mean_iou"][0] + 0.2
        # A network only for training must know that it trains.
        means = [v for v in model.weights if v.path.endswith("moving_mean")]
        assert all(np.any(to_numpy(v) != 0.0) for v in means)
        after = model.evaluate(tiles, masks, verbose=0, return_dict=True)
        # A trailing axis of the masks changes nothing.
        assert after["loss"] == pytest.approx(history["val_loss"][-1], 1e-5)
        assert after != before
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        for_few_steps(model), for_few_steps(loaded)
        logits = model.predict_on_batch(tiles)
        assert logits.shape == (4, 64, 64, 3)
        self.assert_close(loaded.predict_on_batch(tiles), logits, 1e-5)
        assert iterations(loaded) == iterations(model) == 10
        assert type(loaded) is self.system
        assert type(loaded.loss) is type(model.loss)
        self.check_compiled_alike(loaded, model)
        momenta = loaded.optimizer.variables
        for x, y in zip(momenta, model.optimizer.variables, strict=True):
            np.testing.assert_array_equal(to_numpy(x), to_numpy(y))
        loaded.train_on_batch(tiles, masks)
        assert iterations(loaded) == 11

    def test_preset_brings_back_the_network_and_its_legend(self, tmp_path):
        model = self.make_model(
            class_names=["water", "road", "land"],
            palette=[(0, 0, 255), (9, 9, 9), (0, 255, 0)],
            preprocessor=self.make_preprocessor(),
        )
        self.randomise_statistics(model)
        model.save_to_preset(tmp_path)
        tiles, _ = make_tiles(2)
        expected = for_few_steps(model).predict_on_batch(tiles)
        for load in (keras_rsseg.from_preset, self.system.from_preset):
            loaded = load(str(tmp_path))
            assert type(loaded) is self.system
            assert loaded.class_names == ["water", "road", "land"]
            assert loaded.palette == [(0, 0, 255), (9, 9, 9), (0, 255, 0)]
            assert loaded.ground_sample_distance == 0.5
            assert loaded.value_range == (0, 1)
            assert loaded.bands == ("nir", "red", "green")
        for_few_steps(loaded)
        self.assert_close(loaded.predict_on_batch(tiles), expected, 1e-5)

    def test_preset_with_other_arguments(self, tmp_path):
        model = self.make_model(class_names=["water", "road", "land"])
        self.randomise_statistics(model)
        model.save_to_preset(tmp_path)
        load = self.system.from_preset
        other = load(str(tmp_path), num_classes=5)
        assert other.num_classes == 5
        assert other.class_names is None
        assert other.output_shape[-1] == 5
        self.assert_same_weights(other.backbone, model.backbone)
        if self.other_shape:
            small = load(str(tmp_path), image_shape=self.other_shape)
            assert small.output_shape == (None, *self.other_shape)
            self.assert_same_weights(small, model)
        fresh = load(str(tmp_path), load_weights=False)
        with pytest.raises(AssertionError):
            self.assert_same_weights(fresh, model)
        half = load(str(tmp_path), dtype="mixed_bfloat16")
        assert {
            layer.compute_dtype
            for layer in half.backbone._flatten_layers()
            # The flow must be exact.
            if not isinstance(layer, keras.layers.InputLayer | FlowConv)
        } == {"bfloat16"}
        tiles, _ = make_tiles(2)
        expected = for_few_steps(model).predict_on_batch(tiles)
        logits = for_few_steps(half).predict_on_batch(tiles)
        assert logits.dtype == "float32"
        difference = np.abs(logits - expected)
        # Single points can differ; the picture is the same.
        assert np.mean(difference) < 0.05 * np.std(logits)

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        model = self.make_model()
        self.randomise_statistics(model)
        tiles, masks = make_tiles(2, *self.odd_tile)
        expected = model.predict_on_batch(tiles)
        # The global setting must not reach the tiles.
        keras.config.set_image_data_format("channels_first")
        first = self.make_model()
        assert first.backbone.data_format == "channels_first"
        assert first.input_shape == model.input_shape
        first.set_weights(model.get_weights())
        without_dropout(model), without_dropout(first)
        self.assert_close(first.predict_on_batch(tiles), expected, 1e-4)
        losses = [m.train_on_batch(tiles, masks)[0] for m in (first, model)]
        assert float(losses[0]) == pytest.approx(float(losses[1]), 1e-4)

    def test_faster_twin_answers_the_same(self):
        model = for_few_steps(self.make_model())
        self.randomise_statistics(model)
        tiles, _ = make_tiles(2, *self.odd_tile)
        expected = model.predict_on_batch(tiles)
        weights = model.get_weights()
        twin = for_few_steps(keras_rsseg.optimize_for_inference(model))
        self.assert_close(twin.predict_on_batch(tiles), expected, 3e-5)
        first = keras.backend.backend() == "torch"
        assert (twin.backbone.data_format == "channels_first") == first
        self.assert_allclose(model.get_weights(), weights, 0, 0)
        assert model.trainable_variables and not twin.trainable_variables

    @pytest.mark.skipif(
        keras.backend.backend() == "torch", reason="torch's twin is made"
    )
    def test_it_answers_the_same_with_folded_norms(self):
        model = self.make_model()
        self.randomise_statistics(model)
        tiles, _ = make_tiles(2, *self.odd_tile)
        logits = model.for_batches().predict_on_batch(tiles)
        expected = for_few_steps(model).predict_on_batch(tiles)
        self.assert_close(logits, expected, 3e-5)

    @pytest.mark.slow
    @pytest.mark.skipif(
        keras.backend.backend() != "torch", reason="is about torch"
    )
    def test_program_of_the_faster_twin_answers_the_same(self):
        model = self.make_model()
        self.randomise_statistics(model)
        tiles, _ = make_tiles(2, *self.odd_tile)
        twin = keras_rsseg.optimize_for_inference(model)
        expected = twin.predict_on_batch(tiles)
        for _ in range(4):
            logits = twin.predict_on_batch(tiles)
            self.assert_allclose(logits, expected, 0, 0)
        assert len(twin._program._programs) == 1
        twin = keras_rsseg.optimize_for_inference(model, many_tiles=True)
        logits = twin.predict_on_batch(tiles)
        self.assert_close(logits, expected, 3e-5)
        assert len(twin._program._programs) == 1
        # A tile's result does not depend on earlier tiles.
        self.assert_allclose(twin.predict_on_batch(tiles), logits, 0, 0)

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_steps_in_mixed_precision_are_finite(self, policy, tmp_path):
        keras.config.set_dtype_policy(policy)
        model = for_few_steps(self.make_model())
        tiles, masks = make_tiles(2, *self.large_tile)
        if policy == "mixed_bfloat16":
            masks = masks[..., None]
        # The second tile has no labels, as at the border of a scene.
        for mask in (masks, np.full_like(masks, VOID)):
            assert np.isfinite(model.train_on_batch(tiles, mask)[0])
        self.assert_finite(model.weights)
        assert {v.dtype for v in model.trainable_variables} == {"float32"}
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert loaded.dtype_policy.name == policy
        model.save_to_preset(tmp_path / "preset")
        keras.config.set_dtype_policy("float32")
        loaded = keras_rsseg.from_preset(str(tmp_path / "preset"))
        assert loaded.backbone.dtype_policy.name == "float32"

    def make_preprocessor(self):
        cls = self.system.preprocessor_cls
        return cls(
            image_converter=cls.image_converter_cls(
                scale=[0.01, 0.02, 0.005],
                offset=[0.1, -0.1, 0.0],
                bands=("nir", "red", "green"),
                ground_sample_distance=0.5,
                value_range=(0, 1),
            )
        )

    def assert_same_weights(self, actual, expected):
        for x, y in zip(actual.weights, expected.weights, strict=True):
            np.testing.assert_array_equal(
                to_numpy(x), to_numpy(y), err_msg=x.path
            )
