"""Weights and blending: no pixel without an answer, no seam."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.scenes.predicting.blending import RowBlender
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
    """The ring of rows gives what a scene-sized accumulator gives."""
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
