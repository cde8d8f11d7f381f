"""Windows cut from tensors equal those read from files."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_rsseg.data.pairs import ImageMaskPairs  # noqa: E402
from keras_rsseg.data.resampling import cut  # noqa: E402
from keras_rsseg.rasters.windows import Window  # noqa: E402
from tests.data.files import random_image  # noqa: E402


@pytest.mark.parametrize(
    "window", [(2, 3, 5, 6), (-2, 3, 5, 6), (4, -1, 30, 4), (-3, -3, 30, 30)]
)
def test_a_window_is_that_of_the_pairs(window):
    image = random_image(11, 13)
    mask = np.arange(11 * 13, dtype="uint8").reshape(11, 13)
    wanted = ImageMaskPairs(image, mask).read(0, Window(*window))
    window = tf.constant(window)
    found = cut(
        tf, tf.constant(image), tf.constant(mask), window[:2], window[2:]
    )
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
