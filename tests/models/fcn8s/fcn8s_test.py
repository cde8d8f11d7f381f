"""FCN-8s: what every system does, and its upsampling."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.models.fcn8s.fcn8s import BilinearKernel
from tests.models.context_tester import ContextTester
from tests.test_case import TestCase
from tests.test_case import to_numpy


class TestFCN8s(ContextTester):
    system = keras_rsseg.FCN8s
    backbone_arguments = {"filters": 16, "dropout": 0.0}

    def test_each_level_has_a_classifier(self):
        model = self.make_model()
        names = ("classifier", "classifier_P4", "classifier_P3")
        kernels = [model.get_layer(name).kernel.shape for name in names]
        # Channels of the last convolution and of the encoder's levels.
        assert kernels == [(1, 1, 16, 3), (1, 1, 10, 3), (1, 1, 9, 3)]
        assert model.training_outputs(None, {"features": 0}) is None

    def test_dilated_encoders_are_refused(self):
        encoder = keras_rsseg.encoders.ResNetEncoder(
            18, stackwise_strides=(1, 2, 1, 1)
        )
        with pytest.raises(ValueError, match=r"strides 8, 16.*\[8, 8, 8\]"):
            keras_rsseg.models.FCN8sBackbone(encoder, filters=8)


class TestUpsampling(TestCase):
    @pytest.mark.parametrize("strides", [2, 8])
    def test_new_kernels_keep_a_plane(self, strides):
        # One channel, which does not mix with others.
        layer = keras.layers.Conv2DTranspose(
            2,
            2 * strides,
            strides,
            use_bias=False,
            kernel_initializer=BilinearKernel(),
        )
        plane = np.arange(5.0)[:, None] + np.arange(4.0)
        x = np.stack([plane, np.zeros_like(plane)], -1)[None]
        found = to_numpy(layer(x.astype("float32")))
        offset = strides // 2
        rows = (np.arange(5 * strides) + 0.5) / strides - 0.5
        columns = (np.arange(4 * strides) + 0.5) / strides - 0.5
        inside = slice(strides, -strides)
        expected = (rows[:, None] + columns)[inside, inside]
        found = found[0, offset:-offset, offset:-offset]
        self.assert_close(found[inside, inside, 0], expected, 1e-5)
        assert not np.any(found[..., 1])
