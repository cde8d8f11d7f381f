"""A state is assigned to the last tensor, or the model stays as it was."""

import keras
import numpy as np
import pytest

from keras_rsseg.encoders.checkpoint_variant import make_name_of
from keras_rsseg.errors import CheckpointError
from tests.test_case import TestCase
from tests.test_case import to_numpy
from weights.transfer import transfer

NAME_OF = make_name_of(
    [
        (r"conv(?P<conv>\d)", "body.{conv0}.conv"),
        (r"batch_norm", "body.bn"),
        (r"(?P<name>dense)", "{name}.fc"),
    ]
)


def make_model():
    images = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, (3, 2), padding="valid", name="conv1")(images)
    x = keras.layers.BatchNormalization(name="batch_norm")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    # Its seed is also a variable, which no checkpoint has.
    x = keras.layers.Dropout(0.1)(x)
    return keras.Model(images, keras.layers.Dense(2, name="dense")(x))


def make_torch_state(rng):
    shapes = {
        "body.0.conv.weight": (4, 3, 3, 2),
        "body.0.conv.bias": (4,),
        "body.bn.weight": (4,),
        "body.bn.bias": (4,),
        "body.bn.running_mean": (4,),
        "body.bn.running_var": (4,),
        "dense.fc.weight": (2, 4),
        "dense.fc.bias": (2,),
    }
    return {
        name: rng.uniform(0.5, 1.5, shape).astype("float32")
        for name, shape in shapes.items()
    }


class TestTransfer(TestCase):
    @pytest.fixture
    def state(self):
        return make_torch_state(np.random.default_rng(0))

    def test_outputs_are_those_of_the_state(self, state):
        model = make_model()
        assert transfer(model, state, NAME_OF) == 8
        image = np.random.default_rng(1).standard_normal((3, 5, 6))
        # Convolution, normalisation and product by their definitions.
        kernel, windows = state["body.0.conv.weight"], np.lib.stride_tricks
        windows = windows.sliding_window_view(image, (3, 2), axis=(1, 2))
        x = np.einsum("chwij,ocij->ohw", windows, kernel)
        column = {k: v[:, None, None] for k, v in state.items() if v.ndim == 1}
        x = x + column["body.0.conv.bias"] - column["body.bn.running_mean"]
        x = x / np.sqrt(column["body.bn.running_var"] + 1e-3)
        x = x * column["body.bn.weight"] + column["body.bn.bias"]
        expected = state["dense.fc.weight"] @ x.mean((1, 2))
        expected = expected + state["dense.fc.bias"]
        actual = model(image.transpose(1, 2, 0)[None].astype("float32"))
        self.assert_allclose(to_numpy(actual)[0], expected, atol=1e-5)

    def assert_refused(self, state, *messages):
        model = make_model()
        before = [to_numpy(w).copy() for w in model.weights]
        with pytest.raises(CheckpointError) as info:
            transfer(model, state, NAME_OF)
        for message in messages:
            assert message in str(info.value)
        for weight, value in zip(model.weights, before, strict=True):
            np.testing.assert_array_equal(to_numpy(weight), value)

    def test_all_missing_and_unused_keys_are_reported(self, state):
        del state["body.bn.bias"], state["dense.fc.weight"]
        state["aux.weight"] = np.zeros((2, 2), "float32")
        state["aux.bias"] = np.zeros(2, "float32")
        self.assert_refused(
            state,
            "missing from the checkpoint: 2",
            "body.bn.bias (for batch_norm/beta)",
            "dense.fc.weight (for dense/kernel)",
            "unused keys of the checkpoint: 2",
            "aux.weight (2, 2)",
            "aux.bias (2,)",
        )

    def test_wrong_shape(self, state):
        state["dense.fc.weight"] = np.zeros((3, 4), "float32")
        self.assert_refused(state, "wrong shapes: 1", "dense.fc.weight: (3, 4)")

    def test_kernel_that_is_already_in_keras_layout(self, state):
        kernel = state["body.0.conv.weight"]
        state["body.0.conv.weight"] = kernel.transpose(2, 3, 1, 0)
        self.assert_refused(state, "body.0.conv.weight: (3, 2, 3, 4)")

    def test_not_a_number(self, state):
        state["body.bn.running_var"][2] = np.nan
        self.assert_refused(state, "not finite: 1", "body.bn.running_var")

    def test_variable_without_counterpart(self, state):
        with pytest.raises(CheckpointError, match="counterpart: 8\n"):
            transfer(make_model(), state, lambda path: None)

    def test_new_variables_keep_their_values_and_no_others(self, state):
        def is_new(path):
            return path.startswith("dense/")

        kernel, bias = state.pop("dense.fc.weight"), state.pop("dense.fc.bias")
        model = make_model()
        before = model.get_layer("dense").get_weights()
        assert transfer(model, state, NAME_OF, is_new) == 6
        for x, y in zip(
            model.get_layer("dense").get_weights(), before, strict=True
        ):
            np.testing.assert_array_equal(x, y)
        del state["body.bn.bias"]
        with pytest.raises(CheckpointError, match="checkpoint: 1\n.*body.bn.b"):
            transfer(model, state, NAME_OF, is_new)
        # A checkpoint that has them must not leave them unused either.
        state = {**state, "dense.fc.weight": kernel, "dense.fc.bias": bias}
        with pytest.raises(CheckpointError, match="unused .* checkpoint: 2\n"):
            transfer(model, state, NAME_OF, is_new)

    def test_two_variables_of_one_tensor(self, state):
        def name_of(path):
            return NAME_OF(path.replace("beta", "gamma"))

        with pytest.raises(CheckpointError, match="several variables: 1\n"):
            transfer(make_model(), state, name_of)
