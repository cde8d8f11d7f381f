"""A map cropped to the size of another."""

import numpy as np

from keras_rsseg.layers import CropLike
from tests.test_case import TestCase


class TestCropLike(TestCase):
    def test_begins_at_its_offset(self):
        x = np.arange(2 * 7 * 6 * 3, dtype="float32").reshape(2, 7, 6, 3)
        like = np.zeros((2, 4, 3, 1), "float32")
        actual = CropLike(2)(like, x)
        self.assert_allclose(actual, x[:, 2:6, 2:5])
        first = CropLike(2, data_format="channels_first")
        actual = first(like.transpose(0, 3, 1, 2), x.transpose(0, 3, 1, 2))
        self.assert_allclose(actual, x.transpose(0, 3, 1, 2)[:, :, 2:6, 2:5])

    def test_basics(self):
        self.run_layer_test(
            CropLike, {"offset": 1}, [(2, 4, 3, 1), (2, 7, 6, 3)], (2, 4, 3, 3)
        )
