"""Eroded ground truth against a computation pixel by pixel."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from keras_rsseg.data import boundaries
from keras_rsseg.evaluation.masks import erode_boundaries

VOID = 255


def plain(mask, radius):
    """Void where a pixel of another class is within the radius."""
    eroded = mask.copy()
    labelled = np.argwhere(mask != VOID)
    for pixel in labelled:
        distances = np.hypot(*(labelled - pixel).T)
        near = mask[tuple(labelled[distances <= radius].T)]
        if (near != mask[tuple(pixel)]).any():
            eroded[tuple(pixel)] = VOID
    return eroded


@hypothesis.given(
    height=st.integers(1, 11),
    width=st.integers(1, 11),
    radius=st.sampled_from([1, 1.5, 2, 3, 4.3]),
    strip=st.integers(1, 60),
    seed=st.integers(0, 100),
)
def test_agrees_with_the_plain_computation(height, width, radius, strip, seed):
    """In strips of any height, so that big masks are held only once."""
    rng = np.random.default_rng(seed)
    mask = rng.choice(
        np.array([0, 1, 2, VOID], "uint8"),
        (height, width),
        p=(0.9, 0.04, 0.02, 0.04),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boundaries, "_STRIP_PIXELS", strip)
        eroded = erode_boundaries(mask, radius)
    np.testing.assert_array_equal(eroded, plain(mask, radius))


def test_a_straight_boundary_loses_the_radius_on_either_side():
    mask = np.zeros((20, 30), "uint8")
    mask[:, 15:] = 4
    eroded = erode_boundaries(mask, 3)
    expected = mask.copy()
    expected[:, 12:18] = VOID
    np.testing.assert_array_equal(eroded, expected)
    assert not (mask == VOID).any()


def test_void_and_the_border_are_no_boundary():
    mask = np.zeros((20, 30), "uint8")
    mask[:, 15:] = VOID
    np.testing.assert_array_equal(erode_boundaries(mask, 3), mask)


def test_integers_of_other_widths_stay():
    mask = np.array([[0, 0, 0, 7, 7, 7]], "int32")
    eroded = erode_boundaries(mask, 1)
    assert eroded.dtype == "int32"
    assert eroded.tolist() == [[0, 0, VOID, VOID, 7, 7]]


@pytest.mark.parametrize(
    "mask, radius, message",
    [
        (np.zeros((2, 3, 1), "uint8"), 3, "(2, 3, 1)"),
        (np.zeros((2, 3)), 3, "float64"),
        (np.zeros((2, 3), "uint8"), 0, "`radius`"),
        (np.zeros((2, 3), "uint8"), float("nan"), "`radius`"),
    ],
)
def test_errors(mask, radius, message):
    with pytest.raises(
        ValueError, match=message.replace("(", r"\(").replace(")", r"\)")
    ):
        erode_boundaries(mask, radius)
