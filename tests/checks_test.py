"""Arguments are accepted or refused alike in all subpackages."""

import numpy as np
import pytest

from keras_rsseg.checks import as_color
from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_different_positives
from keras_rsseg.checks import check_not_negative
from keras_rsseg.checks import check_positive
from keras_rsseg.errors import ArgumentError


def test_whole_numbers_of_numpy_are_numbers():
    assert check_positive("tile_size", np.int64(512)) == 512
    assert check_different_positives("bins", np.array([1, 3])) == (1, 3)
    assert as_color("palette", np.array([0, 128, 255], "uint8")) == (
        0,
        128,
        255,
    )


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3", None, float("nan")])
def test_other_than_positive_integers_are_refused(value):
    with pytest.raises(ArgumentError, match=f"`tile_size`.*={value!r}$"):
        check_positive("tile_size", value)
    with pytest.raises(ArgumentError, match="`bins` must hold one or more"):
        check_different_positives("bins", (4, value))


@pytest.mark.parametrize("values", [(), (2, 3, 2)])
def test_none_and_repeated_ones_are_refused(values):
    with pytest.raises(ArgumentError, match="`bins`.*different"):
        check_different_positives("bins", values)


@pytest.mark.parametrize("value", [-1, float("inf"), float("nan")])
def test_other_than_finite_numbers_from_zero_are_refused(value):
    assert check_not_negative("gamma", 0) == 0.0
    with pytest.raises(ArgumentError, match=f"`gamma`.*gamma={value!r}$"):
        check_not_negative("gamma", value)


def test_choices_are_listed():
    check_choice("mode", "a", ("a", "b"))
    with pytest.raises(ArgumentError, match="`mode`.* 'a', 'b'.*mode='c'"):
        check_choice("mode", "c", ("a", "b"))


@pytest.mark.parametrize(
    "color", [(0, 0), (0, 0, 256), (0, 0, 0.5), (0, 0, True), "red", 3]
)
def test_other_than_colors_are_refused(color):
    with pytest.raises(ArgumentError, match="`palette` must hold colours"):
        as_color("palette", color)
