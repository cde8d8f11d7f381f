"""The base class of the tests: comparisons and the checks every layer needs."""

import json
import pathlib
import tempfile

import keras
import numpy as np


def to_numpy(value):
    """Return a tensor of any backend, or an array, as a NumPy array."""
    return np.asarray(keras.ops.convert_to_numpy(value))


def _shape_of(value):
    return tuple(value.shape)


class TestCase:
    """Derive from it; pytest's fixtures and parameters work as usual."""

    def assert_allclose(self, actual, expected, atol=1e-6, rtol=1e-6, msg=""):
        """Compare structures of tensors element by element."""
        keras.tree.assert_same_structure(actual, expected)
        for x, y in zip(
            keras.tree.flatten(actual),
            keras.tree.flatten(expected),
            strict=True,
        ):
            np.testing.assert_allclose(
                to_numpy(x), to_numpy(y), atol=atol, rtol=rtol, err_msg=msg
            )

    def assert_close(self, actual, expected, tolerance=2e-5, msg=""):
        """Assert `max|actual - expected| <= tolerance * max|expected|`.

        Returns:
            The difference, relative to the largest magnitude.
        """
        actual, expected = to_numpy(actual), to_numpy(expected)
        assert actual.shape == expected.shape, (
            f"{msg}: shape {actual.shape}, expected {expected.shape}"
        )
        scale = np.abs(expected).max()
        difference = np.abs(actual - expected).max()
        assert difference <= tolerance * scale, (
            f"{msg}: differs by {difference:.3g}, {difference / scale:.3g} of "
            f"the largest magnitude {scale:.3g}; tolerance {tolerance:.3g}"
        )
        return difference / scale

    def assert_finite(self, value, msg=""):
        """Assert that no tensor of a structure has a NaN or an infinity."""
        for x in keras.tree.flatten(value):
            array = to_numpy(keras.ops.cast(x, "float32"))
            assert np.isfinite(array).all(), f"{msg}: not finite"

    def run_layer_test(
        self,
        cls,
        init_kwargs,
        input_shapes,
        expected_output_shape=None,
        expected_num_trainable=None,
        mixed_precision=True,
        atol=1e-5,
    ):
        """Check configuration, shapes, mixed precision and saving of a layer.

        Args:
            cls: The layer class.
            init_kwargs: dict of its constructor's arguments.
            input_shapes: One shape with the batch dimension, or a list of
                shapes, one for each positional argument of the call.
            expected_output_shape: A shape, or the structure of shapes that
                the layer returns.
            expected_num_trainable: Number of trainable variables.
            mixed_precision: Whether to also run the layer in `mixed_float16`.
            atol: Tolerance of the reloaded layer's outputs.

        Returns:
            The outputs in inference mode.
        """
        if not isinstance(input_shapes, list):
            input_shapes = [input_shapes]
        rng = np.random.default_rng(0)
        inputs = [
            rng.standard_normal(shape).astype("float32")
            for shape in input_shapes
        ]
        layer = self.run_config_test(cls, init_kwargs)
        outputs = layer(*inputs, training=False)
        self.assert_finite(outputs, cls.__name__)
        if expected_output_shape is not None:
            shapes = keras.tree.map_structure(_shape_of, outputs)
            # Compared flat: a named tuple and a tuple are both accepted.
            assert self._flat_shapes(shapes) == self._flat_shapes(
                expected_output_shape
            )
        if expected_num_trainable is not None:
            assert len(layer.trainable_variables) == expected_num_trainable
        if mixed_precision:
            mixed = cls(**init_kwargs, dtype="mixed_float16")
            self.assert_finite(
                mixed(*inputs, training=True), f"{cls.__name__} in float16"
            )
        self.run_save_test(self._dynamic_model(layer, inputs), inputs, atol)
        return outputs

    def run_config_test(self, cls, init_kwargs):
        """Assert that a configuration survives JSON and rebuilds the object."""
        instance = cls(**init_kwargs)
        config = keras.saving.serialize_keras_object(instance)
        revived = keras.saving.deserialize_keras_object(
            json.loads(json.dumps(config))
        )
        assert type(revived) is cls
        assert revived.get_config() == instance.get_config()
        return instance

    def run_save_test(self, model, inputs, atol=1e-5, tmp_path=None):
        """Assert that `.keras` save and load leave the outputs unchanged."""
        before = model(inputs, training=False)
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            path = pathlib.Path(folder) / "model.keras"
            model.save(path)
            loaded = keras.saving.load_model(path)
        after = loaded(inputs, training=False)
        self.assert_allclose(after, before, atol=atol, rtol=atol)
        return loaded

    def _dynamic_model(self, layer, inputs):
        """Wrap a layer into a model whose height and width are unknown."""
        channels_last = keras.config.image_data_format() == "channels_last"
        symbolic = []
        for array in inputs:
            shape = list(array.shape[1:])
            if len(shape) == 3:
                spatial = (0, 1) if channels_last else (1, 2)
                for axis in spatial:
                    shape[axis] = None
            symbolic.append(keras.Input(shape=shape))
        return keras.Model(symbolic, keras.tree.flatten(layer(*symbolic)))

    def _flat_shapes(self, shapes):
        if all(isinstance(n, int) for n in shapes):
            return [tuple(shapes)]
        return [tuple(shape) for shape in shapes]
