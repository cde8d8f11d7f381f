"""Resampling of rows: registered, and blind to how the rows come."""

import itertools

import hypothesis
import hypothesis.strategies as st
import numpy as np

from keras_rsseg.scenes.predicting.row_resampler import RowResampler
from keras_rsseg.scenes.predicting.row_resampler import input_range
from keras_rsseg.scenes.predicting.row_resampler import linear_taps
from keras_rsseg.scenes.predicting.row_resampler import resample

lengths = st.integers(1, 60)


def resample_part(array, size, rows, columns, in_cuts=(), out_cuts=()):
    """Resample a part from input that comes in pieces, taken in pieces."""
    resampler = RowResampler(array.shape[1:], size, rows, columns)
    top, end = input_range(array.shape[1], size[0], *rows)
    left, right = input_range(array.shape[2], size[1], *columns)
    cuts = sorted({top, end, *(cut for cut in in_cuts if top < cut < end)})
    stops = sorted({rows[1], *(cut for cut in out_cuts if cut < rows[1])})
    parts = []
    for first, stop in itertools.pairwise(cuts):
        resampler.push(array[:, first:stop, left:right])
        parts += resampler.take(stops[0])
    for stop in stops[1:]:
        parts += resampler.take(stop)
    return np.concatenate(parts, 1)


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
    corners=st.tuples(*[st.floats(0, 1)] * 4),
    in_cuts=st.lists(st.integers(0, 60), max_size=6),
    out_cuts=st.lists(st.integers(0, 60), max_size=4),
)
@hypothesis.settings(max_examples=60, deadline=None)
def test_parts_and_cuts_make_no_difference(
    in_size, out_size, corners, in_cuts, out_cuts
):
    """A seam between blocks would be a seam in the map."""
    array = np.random.default_rng(0).random((2, *in_size), "float32")
    whole = resample(array, out_size)
    assert whole.shape == (2, *out_size)
    rows, columns = (
        sorted((int(a * length), int(b * length)))
        for length, a, b in zip(
            out_size, corners[::2], corners[1::2], strict=True
        )
    )
    rows[1] += rows[0] == rows[1]
    columns[1] += columns[0] == columns[1]
    part = resample_part(array, out_size, rows, columns, in_cuts, out_cuts)
    np.testing.assert_array_equal(part, whole[:, slice(*rows), slice(*columns)])


def test_bilinear_values():
    array = np.array([[0.0, 4.0], [8.0, 12.0]], "float32")[None]
    expected = [0.0, 1.0, 3.0, 4.0]
    result = resample(array, (4, 4))[0]
    np.testing.assert_allclose(result[0], expected)
    np.testing.assert_allclose(result[:, 0], [0, 2, 6, 8])
