"""Every fine point attends to all coarse points."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.layers import DenseAffinity
from tests.gradients import gradient
from tests.layers import plain
from tests.layers.compiled import jitted
from tests.test_case import TestCase
from tests.test_case import to_numpy


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
