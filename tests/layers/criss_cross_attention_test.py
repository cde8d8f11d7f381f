"""Criss-cross attention: each pixel, its row and its column, once each."""

import numpy as np

from keras_rsseg.layers.criss_cross_attention import CrissCrossAttention
from tests.layers import plain
from tests.layers.attention_tester import AttentionTester
from tests.layers.attention_tester import project
from tests.layers.compiled import jitted
from tests.test_case import to_numpy


class TestCrissCrossAttention(AttentionTester):
    layer_class = CrissCrossAttention
    arguments = {"reduction": 2}

    def gather(self, layer, x):
        query, key, value = project(layer, x)
        out = np.zeros(x.shape)
        batch, height, width, _ = x.shape
        for b, i, j in np.ndindex(batch, height, width):
            cross = [(i, column) for column in range(width)]
            cross += [(row, j) for row in range(height) if row != i]
            keys = np.stack([key[b, row, column] for row, column in cross])
            values = np.stack([value[b, row, column] for row, column in cross])
            out[b, i, j] = plain.softmax(keys @ query[b, i, j]) @ values
        return out

    def test_two_calls_reach_every_pixel(self):
        layer, x = self.make((1, 5, 6, 4))
        changed = x.copy()
        changed[0, 1, 2] += 1.0
        once = [to_numpy(jitted(layer)(y)) for y in (x, changed)]
        reached = np.abs(once[1] - once[0]).max(-1)[0] > 0
        expected = np.zeros((5, 6), bool)
        expected[1], expected[:, 2] = True, True
        np.testing.assert_array_equal(reached, expected)
        twice = [to_numpy(jitted(layer)(y)) for y in once]
        assert (np.abs(twice[1] - twice[0]).max(-1) > 0).all()
