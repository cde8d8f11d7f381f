"""A network that starts with other values trains worse, or not at all."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers.initial_kernels import kaiming_normal
from keras_rsseg.layers.initial_kernels import torch_default_initializer
from tests.test_case import to_numpy

SHAPE = (3, 3, 40, 80)


def test_kaiming_normal_is_normal_with_the_variance_of_the_outputs():
    values = to_numpy(kaiming_normal()(SHAPE, "float32"))
    deviation = (2 / (9 * 80)) ** 0.5
    assert abs(values.mean()) < 0.02 * deviation
    assert values.std() == pytest.approx(deviation, rel=0.02)
    inside = np.abs(values) < deviation
    assert inside.mean() == pytest.approx(0.683, abs=0.01)


def test_torch_default_is_uniform_within_the_bound_of_the_inputs():
    values = to_numpy(torch_default_initializer()(SHAPE, "float32"))
    bound = (9 * 40) ** -0.5
    assert np.abs(values).max() == pytest.approx(bound, rel=1e-3)
    assert np.abs(values).max() <= bound * (1 + 1e-6)
    shares, _ = np.histogram(values, bins=4, range=(-bound, bound))
    np.testing.assert_allclose(shares / values.size, 0.25, atol=0.01)


@pytest.mark.parametrize("make", [kaiming_normal, torch_default_initializer])
def test_values_follow_the_seed_and_differ_between_kernels(make):
    def drawn():
        keras.utils.set_random_seed(3)
        return [to_numpy(make()((1, 1, 4, 5), "float32")) for _ in range(2)]

    first, second = drawn(), drawn()
    np.testing.assert_array_equal(first, second)
    assert (first[0] != first[1]).all()


def test_values_have_the_dtype_asked_for():
    values = kaiming_normal()((3, 3, 2, 4), "bfloat16")
    assert keras.backend.standardize_dtype(values.dtype) == "bfloat16"
    assert tuple(values.shape) == (3, 3, 2, 4)
