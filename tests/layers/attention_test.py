"""What all pixel attentions share: their projections."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.layers import DenseAffinity
from keras_rsseg.layers.attention import ChannelAttention
from keras_rsseg.layers.attention import CrissCrossAttention
from keras_rsseg.layers.attention import PositionAttention
from tests.gradients import gradient
from tests.layers import plain
from tests.layers.attention_tester import AttentionTester
from tests.layers.attention_tester import project
from tests.layers.compiled import jitted
from tests.test_case import TestCase
from tests.test_case import to_numpy


def test_queries_and_keys_are_reduced_to_one_channel_at_least():
    for channels, reduced in ((64, 8), (20, 2), (5, 1)):
        layer = PositionAttention()
        layer.build((None, None, None, channels))
        widths = [x.filters for x in (layer.query, layer.key, layer.value)]
        assert widths == [reduced, reduced, channels]


@pytest.mark.parametrize("reduction", [0, -8, 1.5])
def test_bad_reduction_is_refused(reduction):
    with pytest.raises(ValueError, match="reduction"):
        PositionAttention(reduction=reduction)


def test_unknown_channels_are_refused():
    with pytest.raises(ValueError, match="channels"):
        PositionAttention().build((None, 8, 8, None))


class TestPositionAttention(AttentionTester):
    layer_class = PositionAttention
    arguments = {"reduction": 2}

    def gather(self, layer, x):
        query, key, value = (
            y.reshape(len(x), -1, y.shape[-1]) for y in project(layer, x)
        )
        weights = plain.softmax(query @ key.transpose(0, 2, 1))
        return (weights @ value).reshape(x.shape)


class TestChannelAttention(AttentionTester):
    layer_class = ChannelAttention
    num_trainable = 1

    def gather(self, layer, x):
        channels = x.reshape(len(x), -1, x.shape[-1]).transpose(0, 2, 1)
        energy = channels @ channels.transpose(0, 2, 1)
        weights = plain.softmax(energy.max(-1, keepdims=True) - energy)
        return (weights @ channels).transpose(0, 2, 1).reshape(x.shape)

    def test_unlike_channels_are_exchanged(self):
        layer = ChannelAttention()
        x = np.zeros((1, 4, 4, 2), "float32")
        x[..., 0], x[..., 1] = 3.0, -2.0
        layer.build(x.shape)
        layer.gamma.assign([1.0])
        expected = np.broadcast_to([1.0, 1.0], x.shape)
        self.assert_close(jitted(layer)(x), expected, 1e-5)


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


def maps(fine=(2, 6, 5, 4), coarse=(2, 3, 2, 4)):
    rng = np.random.default_rng(0)
    return (
        rng.standard_normal(fine).astype("float32"),
        rng.standard_normal(coarse).astype("float32"),
    )


class TestDenseAffinity(TestCase):
    @pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
    def test_equals_a_plain_computation(self, data_format):
        fine, coarse = maps()
        expected = np.zeros(fine.shape)
        for b, i, j in np.ndindex(fine.shape[:3]):
            points = coarse[b].reshape(-1, 4)
            expected[b, i, j] = plain.softmax(points @ fine[b, i, j]) @ points
        layer = DenseAffinity(data_format=data_format)
        if data_format == "channels_first":
            fine, coarse, expected = (
                x.transpose(0, 3, 1, 2) for x in (fine, coarse, expected)
            )
        layer.build(fine.shape, coarse.shape)
        self.assert_close(jitted(layer)(fine, coarse), expected, 1e-5)

    def test_one_coarse_pixel_is_copied(self):
        fine, coarse = maps(coarse=(2, 1, 1, 4))
        expected = np.broadcast_to(coarse, fine.shape)
        self.assert_close(DenseAffinity()(fine, coarse), expected, 1e-6)

    def test_gradients_against_finite_differences(self):
        fine, coarse = maps((1, 2, 2, 3), (1, 1, 2, 3))
        layer = DenseAffinity()
        layer.build(fine.shape, coarse.shape)

        def loss(fine, coarse):
            return ops.sum(ops.square(layer(fine, coarse)))

        function, step = jitted(loss), 1e-2
        arrays = fine, coarse
        for k, found in enumerate(gradient(loss, *arrays)):
            expected = np.zeros_like(found)
            for index in np.ndindex(found.shape):
                values = []
                for sign in (1, -1):
                    moved = [x.copy() for x in arrays]
                    moved[k][index] += sign * step
                    values.append(float(to_numpy(function(*moved))))
                expected[index] = (values[0] - values[1]) / (2 * step)
            self.assert_close(found, expected, 5e-3)

    def test_unknown_sizes_in_a_saved_model(self):
        layer = self.run_config_test(DenseAffinity, {})
        inputs = [keras.Input((None, None, 4)), keras.Input((None, None, 4))]
        model = keras.Model(inputs, layer(*inputs))
        assert model.output_shape == (None, None, None, 4)
        self.run_save_test(model, list(maps()))

    def test_mixed_precision_keeps_the_affinity_in_float32(self):
        # 64 channels of 40**2 overflow float16 (65504).
        fine, coarse = maps((1, 4, 4, 64), (1, 2, 2, 64))
        fine, coarse = np.abs(fine) * 40, np.abs(coarse) * 40
        out = DenseAffinity(dtype="mixed_float16")(fine, coarse)
        assert keras.backend.standardize_dtype(out.dtype) == "float16"
        expected = DenseAffinity()(fine, coarse)
        self.assert_close(ops.cast(out, "float32"), expected, 5e-3)

    def test_other_channels_are_refused(self):
        fine, coarse = maps()
        with pytest.raises(ValueError, match="channels"):
            DenseAffinity()(fine, coarse[..., :2])
