"""Resampling of rows: registered, and blind to how the rows come."""

import hypothesis
import hypothesis.strategies as st
import numpy as np

from keras_rsseg.scenes.row_resampler import linear_taps
from keras_rsseg.scenes.row_resampler import resample_rows

lengths = st.integers(1, 60)


def resample(array, size, cuts=()):
    blocks = np.split(array, sorted(cuts), axis=1)
    blocks = [block for block in blocks if block.size]
    return np.concatenate(list(resample_rows(blocks, array.shape[1:], size)), 1)


@hypothesis.given(in_length=lengths, out_length=lengths)
@hypothesis.settings(deadline=None)
def test_taps_sum_to_one_and_stay_inside(in_length, out_length):
    indices, weights = linear_taps(in_length, out_length)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    assert weights.min() >= 0
    assert indices.min() >= 0
    assert indices.max() < in_length


@hypothesis.given(in_length=st.integers(8, 60), out_length=st.integers(8, 60))
@hypothesis.settings(deadline=None)
def test_a_ramp_keeps_its_place(in_length, out_length):
    """A shift of half a pixel would shift every map that is resampled."""
    indices, weights = linear_taps(in_length, out_length)
    ramp = (np.arange(in_length) + 0.5) / in_length
    result = (ramp[indices] * weights).sum(1)
    expected = (np.arange(out_length) + 0.5) / out_length
    margin = 1.5 * max(1 / in_length, 1 / out_length)
    inner = (expected > margin) & (expected < 1 - margin)
    # A triangle reproduces ramps exactly only where nothing is lost.
    tolerance = 1e-5 if out_length >= in_length else 0.1 / out_length
    np.testing.assert_allclose(
        result[inner], expected[inner], atol=tolerance, rtol=0
    )


@hypothesis.given(
    in_size=st.tuples(lengths, lengths),
    out_size=st.tuples(lengths, lengths),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
@hypothesis.settings(max_examples=60, deadline=None)
def test_blocks_make_no_difference(in_size, out_size, cuts):
    """A seam between blocks would be a seam in the map."""
    array = np.random.default_rng(0).random((2, *in_size), "float32")
    cuts = [min(cut, in_size[0]) for cut in cuts]
    whole = resample(array, out_size)
    assert whole.shape == (2, *out_size)
    np.testing.assert_array_equal(resample(array, out_size, cuts), whole)


def test_bilinear_values():
    array = np.array([[0.0, 4.0], [8.0, 12.0]], "float32")[None]
    expected = [0.0, 1.0, 3.0, 4.0]
    result = resample(array, (4, 4))[0]
    np.testing.assert_allclose(result[0], expected)
    np.testing.assert_allclose(result[:, 0], [0, 2, 6, 8])
