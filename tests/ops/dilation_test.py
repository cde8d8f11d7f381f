"""Dilated maps reach a disc's width, in every bit, and no further."""

import numpy as np
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from keras_rsseg.ops.dilation import dilate_bits
from tests.ops.evaluate import evaluate
from tests.ops.unknown_sizes import model_of


def plain(bits, radius):
    """Every pixel within the radius, one after another."""
    result = np.zeros_like(bits)
    batch, height, width = bits.shape
    rows, columns = np.mgrid[:height, :width]
    for b, y, x in zip(*np.nonzero(bits), strict=True):
        near = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
        result[b][near] |= bits[b, y, x]
    return result


def random_bits(*shape, seed=0):
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2**31 - 1, shape)
    return np.where(rng.random(shape) < 0.03, bits, 0).astype("int32")


def test_equals_plain_loops():
    bits = random_bits(2, 31, 40)
    radii = (3, 5, 9, 12)
    dilated = evaluate(lambda x: dilate_bits(x, radii), bits)
    for radius, actual in zip(radii, dilated, strict=True):
        np.testing.assert_array_equal(actual, plain(bits, radius))


@settings(max_examples=6)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 14))
def test_any_geometry(height, width, radius):
    bits = random_bits(1, height, width, seed=height)
    bits[0, -1, 0] = 2**31 - 1
    (actual,) = evaluate(lambda x: dilate_bits(x, [radius]), bits)
    np.testing.assert_array_equal(actual, plain(bits, radius))


def test_sizes_may_be_unknown():
    bits = random_bits(1, 14, 11)
    model = model_of(lambda x: dilate_bits(x, (2, 4)), ((None, None), "int32"))
    for radius, actual in zip(
        (2, 4), model.predict_on_batch(bits), strict=True
    ):
        np.testing.assert_array_equal(actual, plain(bits, radius))
