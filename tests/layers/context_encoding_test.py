"""The encoding of a map equals its definition, pixel by pixel."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers import ContextEncoding
from tests.gradients import gradient
from tests.layers import plain
from tests.layers.compiled import jitted
from tests.test_case import TestCase
from tests.test_case import to_numpy


def plain_encoding(layer, x):
    """The vector of each image in inference mode, float64."""
    codewords = to_numpy(layer.codewords).astype("float64")
    scale = to_numpy(layer.scale).astype("float64")
    if layer.square_scale:
        scale = scale**2
    encodings = np.zeros((len(x), *codewords.shape))
    for index, image in enumerate(x.astype("float64")):
        for pixel in image.reshape(-1, x.shape[-1]):
            differences = pixel[:, None] - codewords
            weights = plain.softmax(scale * (differences**2).sum(0))
            encodings[index] += weights * differences
    encodings = plain.normalization(encodings, layer.batch_norm)
    return np.maximum(encodings, 0).mean(-1)


def make(shape, **kwargs):
    """A layer with random weights, and a map."""
    rng = np.random.default_rng(0)
    layer = ContextEncoding(**{"num_codewords": 3, **kwargs})
    layer.build(shape)
    layer.codewords.assign(rng.standard_normal(layer.codewords.shape))
    layer.batch_norm.set_weights(
        [
            rng.uniform(0.5, 1.5, 3),
            rng.standard_normal(3),
            rng.standard_normal(3),
            rng.uniform(0.5, 1.5, 3),
        ]
    )
    return layer, rng.standard_normal(shape).astype("float32")


class TestContextEncoding(TestCase):
    @pytest.mark.parametrize("square_scale", [False, True])
    @pytest.mark.parametrize("size", [(4, 3), (1, 1)])
    def test_equals_a_plain_computation(self, size, square_scale):
        layer, x = make((2, *size, 5), square_scale=square_scale)
        expected = plain_encoding(layer, x)
        assert expected.max() > 0.1
        self.assert_close(jitted(layer)(x), expected, 1e-5)

    def test_gradient_equals_finite_differences(self):
        layer, x = make((1, 3, 2, 4))
        direction = np.random.default_rng(1).standard_normal(x.shape)
        (found,) = gradient(jitted(lambda x: keras.ops.sum(layer(x))), x)
        step = 1e-5 * direction
        change = plain_encoding(layer, x + step).sum()
        change -= plain_encoding(layer, x - step).sum()
        assert (found * direction).sum() == pytest.approx(change / 2e-5, 1e-3)

    def test_layer(self):
        for number in (6, 1):
            self.run_layer_test(
                ContextEncoding,
                {"num_codewords": number, "square_scale": True},
                [(2, 7, 5, 4)],
                expected_output_shape=(2, 4),
                expected_num_trainable=4,
            )

    def test_new_scales_are_negative_and_everything_learns(self):
        layer, x = make((2, 4, 3, 5))
        assert (to_numpy(layer.scale) < 0).all()
        names = {v.path.rpartition("/")[2] for v in layer.trainable_variables}
        assert names == {"codewords", "scale", "gamma", "beta"}

    def test_channels_first_equals_channels_last(self):
        layer, x = make((2, 3, 5, 4))
        first = ContextEncoding(3, data_format="channels_first")
        first.build((None, 4, None, None))
        first.set_weights(layer.get_weights())
        out = jitted(first)(x.transpose(0, 3, 1, 2))
        self.assert_close(out, jitted(layer)(x), 1e-5)

    def test_mixed_precision_keeps_sums_in_float32(self):
        layer, x = make((1, 40, 40, 4))
        mixed, _ = make((1, 40, 40, 4), dtype="mixed_float16")
        # Sums beyond float16 (65504), which are then normalised.
        for each in (layer, mixed):
            each.batch_norm.moving_variance.assign([1e10] * 3)
            each.batch_norm.beta.assign([1.0] * 3)
        mixed.set_weights(layer.get_weights())
        # Rounded as mixed precision does before the layer.
        x = (100 * x).astype("float16").astype("float32")
        out = mixed(x)
        assert keras.backend.standardize_dtype(out.dtype) == "float16"
        self.assert_close(out, layer(x), 1e-3)

    def test_bad_number_is_refused(self):
        with pytest.raises(ValueError, match="num_codewords"):
            ContextEncoding(0)
