"""Points of a coarse map, and their positions in the fine one."""

import hypothesis
import hypothesis.strategies as st
import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.ops import point_selection
from tests.layers.compiled import compiled
from tests.layers.compiled import jitted
from tests.layers.plain_point_flow import nearest_fine_indices
from tests.layers.plain_point_flow import plain_fine_indices
from tests.test_case import to_numpy


@st.composite
def sizes(draw):
    """A coarse size and a fine one that is not smaller."""
    coarse = draw(st.tuples(*[st.integers(1, 60)] * 2))
    return coarse, tuple(draw(st.integers(n, 4 * n)) for n in coarse)


def all_points(coarse):
    return np.arange(np.prod(coarse), dtype="int32")


class TestFinePoints:
    @pytest.mark.parametrize(
        "fine, coarse",
        [
            ((8, 6), (4, 3)),
            ((25, 17), (13, 9)),
            # Fused multiply-adds, or merged factors, truncate elsewhere.
            ((29, 7), (9, 2)),
            ((97, 75), (49, 38)),
            ((225, 301), (113, 151)),
        ],
    )
    def test_compiled_indices_round_as_float32(self, fine, coarse):
        def fine_indices(indices):
            return point_selection.released_fine_points(indices, fine, coarse)

        indices = all_points(coarse)
        actual = compiled(fine_indices)(ops.convert_to_tensor(indices))
        expected = plain_fine_indices(indices, fine, coarse)
        np.testing.assert_array_equal(to_numpy(actual), expected)

    @hypothesis.given(sizes())
    def test_indices_of_any_size_round_as_float32(self, pair):
        coarse, fine = pair

        def fine_indices(indices):
            return point_selection.released_fine_points(indices, fine, coarse)

        indices = all_points(coarse)
        actual = jitted(fine_indices)(ops.convert_to_tensor(indices))
        np.testing.assert_array_equal(
            to_numpy(actual), plain_fine_indices(indices, fine, coarse)
        )

    @hypothesis.given(sizes())
    def test_nearest_points_are_exact_and_different(self, pair):
        coarse, fine = pair

        def fine_indices(indices):
            return point_selection.nearest_fine_points(indices, fine, coarse)

        indices = all_points(coarse)
        actual = to_numpy(jitted(fine_indices)(ops.convert_to_tensor(indices)))
        expected = nearest_fine_indices(indices, fine, coarse)
        np.testing.assert_array_equal(actual, expected)
        assert len(np.unique(actual)) == len(indices)
        # No pixel is nearer to the centre, along either axis.
        for axis in (0, 1):
            q, n = divmod(indices, coarse[1])[axis], coarse[axis]
            found = divmod(actual, fine[1])[axis]
            centre = (q + 0.5) / n * fine[axis] - 0.5
            assert np.abs(found - centre).max() <= 0.5 + 1e-6


class TestCoarsePoints:
    @hypothesis.given(st.tuples(*[st.integers(1, 20)] * 2), st.integers(1, 8))
    def test_random_points_lie_in_their_cells(self, size, grid):
        rng = np.random.default_rng(0)
        shape = (1, grid**2, 2)
        highest = np.nextafter(np.float32(1), np.float32(0))
        fractions = np.concatenate(
            [
                rng.random(shape, dtype="float32"),
                np.zeros(shape, "float32"),
                np.full(shape, highest),
            ]
        )

        def random_points(fractions):
            return point_selection.random_points(fractions, grid, size)

        found = to_numpy(jitted(random_points)(fractions))
        assert found.shape == (3, grid**2) and found.dtype == "int32"
        cells = np.arange(grid**2)
        for cell, points, length in (
            (cells // grid, found // size[1], size[0]),
            (cells % grid, found % size[1], size[1]),
        ):
            first, end = cell * length // grid, -(-(cell + 1) * length // grid)
            assert (points >= first).all() and (points < end).all()
            np.testing.assert_array_equal(points[1], first)
            np.testing.assert_array_equal(points[2], end - 1)

    @pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
    def test_largest_and_maximum_points(self, data_format):
        scores = np.random.default_rng(0).permutation(2 * 35)
        scores = scores.reshape(2, 5, 7).astype("float32")
        axis = -1 if data_format == "channels_last" else 1
        maps = np.expand_dims(scores, axis)
        order = np.argsort(-scores.reshape(2, -1), axis=1)
        for number in (6, 35, 50):
            found = point_selection.largest_points(maps, number, data_format)
            np.testing.assert_array_equal(to_numpy(found), order[:, :number])
        found = point_selection.maximum_points(maps, 1, data_format)
        np.testing.assert_array_equal(to_numpy(found), order[:, :1])
        rows, columns = np.divmod(
            to_numpy(point_selection.maximum_points(maps, 2, data_format)), 7
        )
        corners = [scores[:, y, x].max((1, 2)) for y, x in _quarters()]
        for b in range(2):
            np.testing.assert_array_equal(
                scores[b, rows[b], columns[b]], [c[b] for c in corners]
            )

    def test_more_points_than_an_unknown_map_has(self):
        inputs = keras.Input((None, None, 1))
        outputs = LargestPoints()(inputs)
        model = keras.Model(inputs, outputs)
        model.compile(jit_compile=keras.backend.backend() == "jax")
        for size, points in (((2, 3), 6), ((4, 4), 9)):
            scores = np.zeros((1, *size, 1), "float32")
            assert model.predict_on_batch(scores).shape == (1, points)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (97, 75), (896, 1001)])
def test_pixels_at_their_centres_and_at_the_far_border(size):
    indices = np.arange(size[0] * size[1], dtype="int32")[None]
    centres = point_selection.pixel_centres(indices, size)
    found = to_numpy(point_selection.pixels_at(centres, size))
    np.testing.assert_array_equal(found, indices)
    last = np.full((1, 1, 2), np.nextafter(1, 0, dtype="float32"))
    found = to_numpy(point_selection.pixels_at(last, size))
    assert found.tolist() == [[size[0] * size[1] - 1]]


class LargestPoints(keras.layers.Layer):
    def call(self, inputs):
        return point_selection.largest_points(inputs, 9, "channels_last")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], None)


def _quarters():
    """Windows of a 2 x 2 grid over 5 x 7 pixels: they overlap."""
    for rows in (slice(0, 3), slice(2, 5)):
        for columns in (slice(0, 4), slice(3, 7)):
            yield rows, columns
