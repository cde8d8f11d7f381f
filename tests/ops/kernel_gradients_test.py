"""Kernels' gradients are those that JAX derives itself."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.layers.conv2d import SameConv2D
from keras_rsseg.ops import kernel_gradients
from keras_rsseg.ops.padded_conv import padded_conv
from tests.gradients import gradient

on_jax = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="is about XLA"
)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def weighted_sum(function, *shape):
    """A loss whose gradient differs from output to output."""
    weights = normal(*shape, seed=9)
    weights = ops.convert_to_tensor(weights)
    return lambda *tensors: ops.sum(function(*tensors) * weights)


def gradient_of_taps(x, of_outputs, size, strides, dilation_rate):
    """The kernel's gradient, added up tap by tap."""
    height, width = of_outputs.shape[1:3]
    taps = np.empty((size, size, x.shape[3], of_outputs.shape[3]))
    for i, j in np.ndindex(size, size):
        top, left = i * dilation_rate, j * dilation_rate
        pixels = x[
            :,
            top : top + strides * (height - 1) + 1 : strides,
            left : left + strides * (width - 1) + 1 : strides,
        ]
        taps[i, j] = np.einsum(
            "bhwc,bhwf->cf", pixels, of_outputs, dtype="float64"
        )
    return taps


@pytest.mark.parametrize(
    "shape, filters, size, strides, dilation_rate",
    [
        ((2, 160, 161, 24), 7, 3, 1, 1),
        ((1, 320, 90, 24), 5, 3, 1, 1),
        ((2, 161, 160, 24), 3, 3, 2, 1),
        ((1, 160, 160, 24), 3, 3, 1, 5),
        ((3, 300, 301, 6), 1, 7, 2, 1),
        # Small ones, which are not taken in strips.
        ((2, 5, 7, 3), 4, 3, 1, 1),
        ((2, 6, 5, 3), 4, 1, 2, 1),
    ],
)
def test_equals_the_sum_over_taps(shape, filters, size, strides, dilation_rate):
    x, kernel = normal(*shape), normal(size, size, shape[3], filters)
    padding = dilation_rate * (size // 2)

    def conv(x, kernel):
        return padded_conv(
            x,
            kernel,
            strides=strides,
            padding=padding,
            dilation_rate=dilation_rate,
            data_format="channels_last",
        )

    outputs = conv(x, kernel).shape
    of_x, of_kernel = gradient(weighted_sum(conv, *outputs), x, kernel)
    margins = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    expected = gradient_of_taps(
        np.pad(x, margins),
        normal(*outputs, seed=9),
        size,
        strides,
        dilation_rate,
    )
    scale = abs(expected).max()
    np.testing.assert_allclose(of_kernel, expected, atol=1e-5 * scale)
    # A convolution is linear: moved by its own gradient, the loss grows by
    # the square of that gradient.
    loss = weighted_sum(conv, *outputs)
    direction = np.asarray(of_x, "float64")
    before, after = (
        float(loss(ops.convert_to_tensor(tiles), ops.convert_to_tensor(kernel)))
        for tiles in (x, x + 1e-2 * of_x)
    )
    np.testing.assert_allclose(
        after - before, 1e-2 * (direction**2).sum(), rtol=1e-3
    )


@on_jax
def test_large_maps_are_taken_in_strips_and_small_ones_are_not():
    kernel = ops.ones((3, 3, 24, 8))
    assert kernel_gradients.takes_strips(ops.ones((2, 160, 160, 24)), kernel, 1)
    assert not kernel_gradients.takes_strips(
        ops.ones((2, 80, 80, 24)), kernel, 1
    )
    half = ops.ones((2, 160, 160, 24), "bfloat16")
    assert not kernel_gradients.takes_strips(half, kernel, 1)


@pytest.mark.parametrize("height", [1, 7, 97, 512])
@pytest.mark.parametrize("batch_size", [1, 3, 200])
def test_strips_cover_each_row_of_each_tile_once(height, batch_size):
    shape = (batch_size, height, 700, 128)
    strips = [*kernel_gradients._strips(shape, shape, 1)]
    rows = np.zeros((batch_size, height), int)
    for tile, top, bottom in strips:
        assert bottom > top
        rows[tile, top:bottom] += 1
    assert (rows == 1).all()
    assert len(strips) <= max(kernel_gradients.MOST_STRIPS, batch_size)


@pytest.mark.parametrize("shape", [(2, 5, 4, 3), (7, 3)])
def test_product(shape):
    x, kernel = normal(*shape), normal(3, 4, seed=1)
    product = kernel_gradients.pixel_product
    np.testing.assert_allclose(
        ops.convert_to_numpy(
            product(ops.convert_to_tensor(x), ops.convert_to_tensor(kernel))
        ),
        x @ kernel,
        rtol=1e-5,
        atol=1e-6,
    )
    of_outputs = normal(*shape[:-1], 4, seed=9)
    loss = weighted_sum(product, *shape[:-1], 4)
    found = gradient(loss, x, kernel)
    np.testing.assert_allclose(
        found[0], of_outputs @ kernel.T, rtol=1e-5, atol=1e-6
    )
    expected = x.reshape(-1, 3).T @ of_outputs.reshape(-1, 4)
    np.testing.assert_allclose(found[1], expected, rtol=1e-5, atol=1e-6)


@on_jax
def test_gradients_of_each_tile_and_second_derivatives():
    import jax

    x, kernel = normal(2, 5, 4, 3), normal(1, 1, 3, 2, seed=1)

    def loss(kernel, tile):
        y = padded_conv(tile[None], kernel, data_format="channels_last")
        return ops.sum(y**3)

    each = jax.vmap(jax.grad(loss), (None, 0))(kernel, x)
    for of_kernel, tile in zip(each, x, strict=True):
        np.testing.assert_allclose(
            of_kernel, jax.grad(loss)(kernel, tile), rtol=1e-5
        )
    second = jax.jacrev(jax.grad(loss))(kernel, x[0]).reshape(6, 6)
    np.testing.assert_allclose(second, second.T, rtol=1e-4, atol=1e-4)
    assert abs(second).max() > 1


def test_a_layer_with_dilation_is_that_of_keras():
    x = ops.convert_to_tensor(normal(2, 9, 8, 3))
    options = {"dilation_rate": 2, "data_format": "channels_last"}
    own = SameConv2D(4, 3, **options)
    plain = keras.layers.Conv2D(4, 3, padding="same", **options)
    own(x), plain(x)
    plain.set_weights(own.get_weights())
    np.testing.assert_allclose(
        ops.convert_to_numpy(own(x)),
        ops.convert_to_numpy(plain(x)),
        atol=1e-5,
    )
