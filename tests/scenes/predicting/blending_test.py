"""Weights and blending: no pixel without a result, no seam."""

import itertools

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.scenes.predicting.blending import RowBlender
from keras_rsseg.scenes.predicting.blending import RowResampler
from keras_rsseg.scenes.predicting.blending import input_range
from keras_rsseg.scenes.predicting.blending import linear_taps
from keras_rsseg.scenes.predicting.blending import resample
from keras_rsseg.scenes.predicting.blending import tile_weights


@hypothesis.given(size=st.integers(1, 2048))
def test_weights_are_positive_and_symmetric(size):
    weights = tile_weights(size)
    assert weights.shape == (size,)
    assert weights.min() > 0
    assert weights.max() <= 1
    np.testing.assert_allclose(weights, weights[::-1], rtol=1e-2)
    # Float32 products in the corner of a tile must not vanish either.
    assert np.float32(weights[0] * weights[0]) > 0


def test_weights_fall_towards_the_border():
    weights = tile_weights(64)
    assert (np.diff(weights[:32]) > 0).all()
    assert weights[0] < 1e-3


def blend(height, width, tile, overlap, answer):
    """Blend tiles `answer(row, col, h, w)` and return the whole."""
    blender, blocks = None, []
    for window in tile_windows(height, width, tile, tile - overlap):
        h, w = min(tile, height), min(tile, width)
        probabilities, valid = answer(window.row, window.col, h, w)
        if blender is None:
            blender = RowBlender(width, tile, len(probabilities))
        blocks += blender.take(window.row)
        blender.add(window.row, window.col, probabilities, valid)
    blocks += blender.take(height)
    return np.concatenate(blocks, 1)


geometry = hypothesis.given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    tile=st.integers(1, 40),
    share=st.floats(0, 0.9),
    seed=st.integers(0, 99),
)


@geometry
@hypothesis.settings(max_examples=60, deadline=None)
def test_tiles_of_one_map_blend_to_that_map(height, width, tile, share, seed):
    """Weights are a partition of unity once normalised, at any geometry."""
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet(np.ones(3), (height, width)).astype("float32")
    truth = np.moveaxis(truth, -1, 0)

    def cut(row, col, h, w):
        part = truth[:, row : row + h, col : col + w]
        return part, np.ones((h, w), bool)

    blended = blend(height, width, tile, int(share * tile), cut)
    np.testing.assert_allclose(blended, truth, atol=1e-6)


@geometry
@hypothesis.settings(max_examples=40, deadline=None)
def test_blending_equals_the_plain_sum(height, width, tile, share, seed):
    """The ring of rows equals a scene-sized accumulator."""
    tile = min(tile, height, width)
    rng = np.random.default_rng(seed)
    answers = {}

    def answer(row, col, h, w):
        if (row, col) not in answers:
            answers[row, col] = (
                rng.random((2, h, w), "float32"),
                rng.random((h, w)) < 0.7,
            )
        return answers[row, col]

    blended = blend(height, width, tile, int(share * tile), answer)
    sums = np.zeros((2, height, width))
    totals = np.zeros((height, width))
    weights = np.outer(tile_weights(tile), tile_weights(tile))
    for (row, col), (part, valid) in answers.items():
        place = slice(row, row + tile), slice(col, col + tile)
        sums[:, *place] += part * weights * valid
        totals[place] += weights * valid
    expected = np.divide(
        sums, totals, out=np.zeros_like(sums), where=totals > 0
    )
    np.testing.assert_allclose(blended, expected, atol=1e-5)


@geometry
@hypothesis.settings(max_examples=40, deadline=None)
def test_a_part_is_the_same_to_the_last_bit(height, width, tile, share, seed):
    """Sections and strips must not show in the map."""
    rng = np.random.default_rng(seed)
    answers = {}

    def answer(row, col, h, w):
        if (row, col) not in answers:
            answers[row, col] = (
                rng.random((2, h, w), "float32"),
                rng.random((h, w)) < 0.7,
            )
        return answers[row, col]

    overlap = int(share * tile)
    whole = blend(height, width, tile, overlap, answer)
    top, left = rng.integers(0, (height, width))
    stop, right = rng.integers((top, left), (height, width)) + 1
    blender = RowBlender(right - left, tile, 2, top, left)
    parts = []
    for window in tile_windows(height, width, tile, tile - overlap):
        if window.row >= stop or window.row + tile <= top:
            continue
        if window.col >= right or window.col + tile <= left:
            continue
        parts += blender.take(window.row)
        found = answer(
            window.row, window.col, min(tile, height), min(tile, width)
        )
        blender.add(window.row, window.col, *found)
    parts += blender.take(stop)
    np.testing.assert_array_equal(
        np.concatenate(parts, 1), whole[:, top:stop, left:right]
    )


def test_answer_at_a_tile_border_hardly_counts():
    """Two tiles that disagree: the transition is gradual, not a step."""

    def disagree(row, col, h, w):
        answer = np.zeros((2, h, w), "float32")
        answer[int(col > 0)] = 1
        return answer, np.ones((h, w), bool)

    blended = blend(64, 96, 64, 32, disagree)[1, 32]
    np.testing.assert_array_equal(blended[:32], 0)
    np.testing.assert_array_equal(blended[64:], 1)
    assert (np.diff(blended[31:65]) >= 0).all()
    assert np.diff(blended).max() < 0.08


def test_a_tile_out_of_order_is_refused():
    blender = RowBlender(8, 8, 2)
    with pytest.raises(ValueError, match="must start at row 0"):
        blender.add(4, 0, np.ones((2, 8, 8), "float32"), np.ones((8, 8), bool))


lengths = st.integers(1, 60)


def resample_part(array, size, rows, columns, in_cuts=(), out_cuts=()):
    """Resample a part, with input and output in pieces."""
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
