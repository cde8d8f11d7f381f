"""A mask of the wrong size must not be broadcast against the logits."""

import numpy as np
import pytest

from keras_rsseg.ops.masks import squeeze_mask


def test_channel_axis_is_dropped_and_values_are_kept():
    mask = np.arange(2 * 3 * 1, dtype="uint8").reshape(2, 3, 1, 1)
    squeezed = squeeze_mask(mask, np.zeros((2, 3, 1, 5)))
    np.testing.assert_array_equal(squeezed, mask[..., 0])
    assert squeezed.dtype == np.uint8
    assert squeeze_mask(squeezed, np.zeros((2, 3, 1, 5))) is squeezed


@pytest.mark.parametrize(
    "mask_shape, logits_shape",
    [
        ((2, 3, 4), (2, 4, 3, 5)),  # transposed
        ((1, 3, 4), (2, 3, 4, 5)),  # would broadcast over the batch
        ((2, 3, 4, 5), (2, 3, 4, 5)),  # one-hot
        ((2, 3), (2, 3, 4, 5)),
        ((2, 3, 4), (2, 3, 4)),
    ],
)
def test_misfits_are_refused_with_both_shapes(mask_shape, logits_shape):
    with pytest.raises(ValueError) as error:
        squeeze_mask(np.zeros(mask_shape), np.zeros(logits_shape))
    assert str(logits_shape) in str(error.value)
