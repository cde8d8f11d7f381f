"""ReLU at joins is a ReLU, and on JAX's CPU a call that stays one."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.rectify import rectify

X = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype("float32")


def test_is_a_relu():
    np.testing.assert_array_equal(rectify(X), np.maximum(X, 0))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_keeps_the_dtype(dtype):
    y = rectify(keras.ops.cast(X, dtype))
    assert keras.backend.standardize_dtype(y.dtype) == dtype


def test_layers_of_it_are_saved_and_train(tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Activation(rectify)(ConvBNReLU(2, 3)(inputs))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1)(x))
    model.compile("sgd", "mse")
    tiles = np.resize(X, (2, 8, 8, 3))
    before = [np.array(weight) for weight in model.trainable_variables]
    model.fit(tiles, tiles[..., :1], verbose=0)
    for old, new in zip(before, model.trainable_variables, strict=True):
        assert not np.array_equal(old, new) or new.shape == (2,)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        loaded.predict(tiles, verbose=0), model.predict(tiles, verbose=0)
    )


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="is about XLA")
def test_readers_do_not_compute_it_again():
    import jax

    if jax.default_backend() != "cpu":
        pytest.skip("is for CPUs")

    def two_readers(x):
        joined = rectify(x + 1)
        return jax.numpy.sin(joined).sum(), jax.numpy.cos(joined).sum(0)

    program = jax.jit(two_readers).lower(X).compile().as_text()
    assert program.count(" maximum(") == 1
    assert " call(" in program
