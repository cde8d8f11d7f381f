"""Windows that differ from torch's move every salient point."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from keras import ops

from keras_rsseg.ops import adaptive_average_pool
from keras_rsseg.ops import adaptive_max_pool
from tests.gradients import gradient
from tests.ops import reference
from tests.ops.evaluate import evaluate
from tests.ops.unknown_sizes import model_of

LAST, FIRST = "channels_last", "channels_first"
SIZES = [
    ((28, 28), (14, 14)),  # the windows do not overlap
    ((13, 9), (6, 4)),  # they do
    ((3, 4), (6, 5)),  # more windows than pixels
    ((1, 1), (3, 2)),
    ((1, 7), (1, 1)),
]


def random_images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def images_with_ties(*shape):
    images = np.random.default_rng(0).integers(0, 3, shape)
    return images.astype("float32")


def to_first(images):
    return np.moveaxis(images, -1, 1)


def average(images, size, data_format):
    return evaluate(
        lambda x: adaptive_average_pool(x, size, data_format), images
    )


def maximum(images, size, data_format):
    return evaluate(
        lambda x: adaptive_max_pool(x, size, True, data_format), images
    )


@pytest.mark.parametrize("input_size, size", SIZES)
def test_average_equals_plain_loops(input_size, size):
    images = random_images(2, *input_size, 3)
    expected = reference.adaptive_average_pool(images, size)
    actual = average(images, size, LAST)
    np.testing.assert_allclose(actual, expected, atol=1e-6)
    actual = average(to_first(images), size, FIRST)
    np.testing.assert_allclose(actual, to_first(expected), atol=1e-6)


@pytest.mark.parametrize("make", [random_images, images_with_ties])
@pytest.mark.parametrize("input_size, size", SIZES)
def test_max_and_indices_equal_plain_loops(input_size, size, make):
    images = make(2, *input_size, 3)
    maxima, indices = reference.adaptive_max_pool(images, size)
    actual, actual_indices = maximum(images, size, LAST)
    np.testing.assert_array_equal(actual, maxima)
    np.testing.assert_array_equal(actual_indices, indices)
    assert actual_indices.dtype == np.int32
    actual, actual_indices = maximum(to_first(images), size, FIRST)
    np.testing.assert_array_equal(actual, to_first(maxima))
    np.testing.assert_array_equal(actual_indices, to_first(indices))


@settings(max_examples=6)
@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
)
def test_any_geometry(input_size, size):
    images = images_with_ties(1, *input_size, 2)
    np.testing.assert_allclose(
        average(images, size, LAST),
        reference.adaptive_average_pool(images, size),
        atol=1e-6,
    )
    actual = maximum(images, size, LAST)
    expected = reference.adaptive_max_pool(images, size)
    np.testing.assert_array_equal(actual[0], expected[0])
    np.testing.assert_array_equal(actual[1], expected[1])


def test_an_int_is_a_square_and_indices_are_optional():
    images = random_images(1, 6, 4, 1)
    for pool in (adaptive_average_pool, adaptive_max_pool):
        square, pair = evaluate(
            lambda x, pool=pool: (
                pool(x, 2, data_format=LAST),
                pool(x, (2, 2), data_format=LAST),
            ),
            images,
        )
        assert square.shape == (1, 2, 2, 1)
        np.testing.assert_array_equal(square, pair)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_sums_in_float32(dtype):
    # 4096 ones do not sum in float16 or bfloat16.
    images = ops.ones((1, 64, 64, 2), dtype)
    mean = adaptive_average_pool(images, 1, LAST)
    assert keras.backend.standardize_dtype(mean.dtype) == dtype
    assert float(mean[0, 0, 0, 0]) == 1.0
    maxima, indices = adaptive_max_pool(images, 1, True, LAST)
    assert keras.backend.standardize_dtype(maxima.dtype) == dtype
    assert int(indices[0, 0, 0, 0]) == 0


@pytest.mark.parametrize("input_size, size", SIZES[1:3])
def test_average_gradient_spreads_over_the_window(input_size, size):
    images = random_images(1, *input_size, 2)
    upstream = random_images(1, *size, 2)
    expected = np.zeros_like(images)
    for i, top, bottom in reference.windows(size[0], input_size[0]):
        for j, left, right in reference.windows(size[1], input_size[1]):
            area = (bottom - top) * (right - left)
            expected[:, top:bottom, left:right] += (
                upstream[:, i : i + 1, j : j + 1] / area
            )

    def weighted_sum(x):
        pooled = adaptive_average_pool(x, size, LAST)
        return ops.sum(ops.multiply(pooled, upstream))

    (actual,) = gradient(weighted_sum, images)
    np.testing.assert_allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize("data_format", [LAST, FIRST])
@pytest.mark.parametrize("make", [random_images, images_with_ties])
def test_max_gradient_goes_to_the_first_maximum(make, data_format):
    images, size = make(2, 7, 5, 3), (3, 4)
    upstream = random_images(2, *size, 3)
    _, indices = reference.adaptive_max_pool(images, size)
    expected = np.zeros((2, 35, 3))
    for b, i, j, c in np.ndindex(*indices.shape):
        expected[b, indices[b, i, j, c], c] += upstream[b, i, j, c]
    expected = expected.reshape(images.shape)
    if data_format == FIRST:
        images, upstream, expected = map(to_first, (images, upstream, expected))

    def weighted_sum(x):
        pooled = adaptive_max_pool(x, size, data_format=data_format)
        return ops.sum(ops.multiply(pooled, upstream))

    (actual,) = gradient(weighted_sum, images)
    np.testing.assert_allclose(actual, expected, atol=1e-6)


@pytest.mark.parametrize("data_format", [LAST, FIRST])
def test_sizes_unknown_while_tracing(data_format):
    size = (3, 2)
    shape = (None, None, 3) if data_format == LAST else (3, None, None)
    model = model_of(
        lambda x: (
            adaptive_average_pool(x, size, data_format),
            *adaptive_max_pool(x, size, True, data_format),
        ),
        shape,
    )
    expected_shape = (3, 2, 3) if data_format == LAST else (3, 3, 2)
    assert model.output_shape == [(None, *expected_shape)] * 3
    for input_size in ((9, 8), (5, 7), (1, 2)):
        images = random_images(2, *input_size, 3)
        expected = (
            reference.adaptive_average_pool(images, size),
            *reference.adaptive_max_pool(images, size),
        )
        if data_format == FIRST:
            images, expected = to_first(images), map(to_first, expected)
        actual = model.predict_on_batch(images)
        for x, y in zip(actual, expected, strict=True):
            np.testing.assert_allclose(x, y, atol=1e-6)


def test_equals_torch():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    images = images_with_ties(2, 3, 13, 9)
    for size in ((2, 3), (14, 14)):
        expected = functional.adaptive_avg_pool2d(torch.tensor(images), size)
        actual = average(images, size, FIRST)
        np.testing.assert_allclose(actual, expected.numpy(), atol=1e-6)
        expected = functional.adaptive_max_pool2d(
            torch.tensor(images), size, return_indices=True
        )
        actual = maximum(images, size, FIRST)
        for x, y in zip(actual, expected, strict=True):
            np.testing.assert_array_equal(x, y.numpy())


@pytest.mark.parametrize("pool", [adaptive_average_pool, adaptive_max_pool])
@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"images": np.zeros((4, 4, 3), "f")}, ValueError, "`images` must"),
        ({"images": np.zeros((1, 4, 4, 3), "uint8")}, TypeError, "`images`"),
        ({"output_size": 0}, ValueError, "`output_size` must be a positive"),
        ({"output_size": (2, 2, 2)}, ValueError, "`output_size` must be a"),
        ({"data_format": "last"}, ValueError, "`data_format` must be"),
    ],
)
def test_errors_name_the_argument(pool, arguments, error, message):
    images = np.zeros((1, 4, 4, 3), "float32")
    with pytest.raises(error, match=message):
        pool(**{"images": images, "output_size": 2, **arguments})
