"""Attention equals its definition, in float32 whatever it is given."""

import numpy as np
import pytest

from keras_rsseg.ops import attend
from tests.layers import plain
from tests.test_case import TestCase
from tests.test_case import to_numpy


class TestAttend(TestCase):
    @pytest.mark.parametrize("points", [3, 1])
    def test_equals_a_plain_computation(self, points):
        rng = np.random.default_rng(0)
        shapes = [(2, 5, 4), (2, points, 4), (2, points, 6)]
        query, key, value = (rng.standard_normal(s) for s in shapes)
        weights = plain.softmax(query @ key.transpose(0, 2, 1))
        expected = weights @ value
        arguments = [x.astype("float32") for x in (query, key, value)]
        self.assert_close(attend(*arguments), expected, 1e-6)

    def test_scores_beyond_float16(self):
        x = np.array([[[300.0], [301.0]]], "float16")
        out = to_numpy(attend(x, x, x))
        assert out.dtype == "float32"
        np.testing.assert_allclose(out, 301.0)
