"""Boundary targets must be those PointFlow was trained with."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from keras import ops

from keras_rsseg.ops import boundary_band
from keras_rsseg.ops.boundary import disc_rectangles
from tests.ops import reference
from tests.ops.evaluate import evaluate
from tests.ops.unknown_sizes import model_of
from tests.shared import read_arrays
from tests.shared import shared_path


def random_mask(*shape, classes=3, seed=0):
    """Blocks of ids, so that there are insides, and single pixels."""
    rng = np.random.default_rng(seed)
    batch, height, width = shape
    blocks = rng.integers(0, classes, (batch, height // 8 + 1, width // 8 + 1))
    mask = blocks.repeat(8, axis=1).repeat(8, axis=2)[:, :height, :width]
    noise = rng.uniform(size=shape) < 0.005
    return np.where(noise, 1, mask).astype("uint8")


def band_of(mask, *arguments):
    return evaluate(lambda x: boundary_band(x, *arguments), mask)


def plain(mask, radius_squared=18):
    bands = [reference.boundary_band(m, radius_squared) for m in mask]
    return np.stack(bands)[..., None]


@pytest.mark.parametrize("radius_squared", [0, 1, 2, 9, 16, 18])
def test_equals_plain_loops(radius_squared):
    mask = random_mask(2, 33, 40)
    np.testing.assert_array_equal(
        band_of(mask, radius_squared), plain(mask, radius_squared)
    )


@settings(max_examples=6)
@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(0, 30),
    st.integers(0, 99),
)
def test_any_geometry(height, width, radius_squared, seed):
    rng = np.random.default_rng(seed)
    mask = (rng.uniform(size=(1, height, width)) < 0.8).astype("uint8")
    np.testing.assert_array_equal(
        band_of(mask, radius_squared), plain(mask, radius_squared)
    )


@pytest.mark.parametrize("radius_squared", range(30))
def test_rectangles_make_up_the_disc(radius_squared):
    rows, columns = np.ogrid[-6:7, -6:7]
    union = np.zeros((13, 13), bool)
    for half_height, half_width in disc_rectangles(radius_squared):
        union |= (abs(rows) <= half_height) & (abs(columns) <= half_width)
    np.testing.assert_array_equal(union, rows**2 + columns**2 <= radius_squared)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int32", "int64", "float32", "float16"]
)
@pytest.mark.parametrize("channel_axis", [False, True])
def test_any_dtype_with_or_without_a_channel_axis(dtype, channel_axis):
    mask = random_mask(2, 24, 17)
    mask[0, :4] = 255
    given_mask = mask.astype(dtype)
    band = boundary_band(given_mask[..., None] if channel_axis else given_mask)
    assert keras.backend.standardize_dtype(band.dtype) == "float32"
    np.testing.assert_array_equal(ops.convert_to_numpy(band), plain(mask))


def test_touching_classes_and_empty_masks():
    mask = np.zeros((3, 40, 40), "uint8")
    mask[0, 10:30, 10:20], mask[0, 10:30, 20:30] = 1, 2
    mask[2] = 5
    band = band_of(mask)[..., 0]
    # No boundary between two classes or without foreground; the image's
    # border is one where foreground touches it.
    assert band[0, 20, 20] == 0 and band[0, 20, 10] == 1
    assert band[1].max() == 0
    assert band[2, 4].min() == 1 and band[2, 5:35, 5:35].max() == 0


def test_void_is_foreground_by_default_and_neutral_on_request():
    mask = np.zeros((1, 40, 60), "uint8")
    mask[:, :, 20:30], mask[:, :, 30:] = 1, 255
    recipe = band_of(mask)[0, 20, :, 0]
    assert recipe[16:25].min() == 1 and recipe[25:50].max() == 0
    mask[:, :, 30:] = 255
    neutral = band_of(mask, 18, 255)[0, 20, :, 0]
    np.testing.assert_array_equal(neutral[:30], recipe[:30])
    np.testing.assert_array_equal(neutral[30:], 2.0)
    # Void around background makes no boundary either.
    mask[:, :, 20:30] = 0
    assert band_of(mask)[0, 20, :30].max() == 1
    assert band_of(mask, 18, 255)[0, 20, :30].max() == 0


def test_size_unknown_while_tracing():
    model = model_of(boundary_band, ((None, None), "int32"))
    assert model.output_shape == (None, None, None, 1)
    for size in ((20, 31), (1, 1), (9, 4)):
        mask = random_mask(2, *size).astype("int32")
        np.testing.assert_array_equal(model.predict_on_batch(mask), plain(mask))


def test_released_targets_are_covered():
    truth = read_arrays(
        shared_path("fixtures", "modules", "edge_labels_cv2.npz")
    )
    names = [name[:-5] for name in truth if name.endswith("/mask")]
    assert len(names) == 9
    missing = extra = total = 0
    for name in names:
        band = band_of(truth[f"{name}/mask"][None])[0, ..., 0]
        boundary = truth[f"{name}/boundary"]
        missing += np.sum((band == 0) & (boundary == 1))
        extra += np.sum((band == 1) & (boundary == 0))
        total += np.sum(boundary == 1)
    assert missing == 0
    assert extra / total < 0.0145


@pytest.mark.parametrize(
    "mask, radius_squared, message",
    [
        (np.zeros((4, 4), "uint8"), 18, "`mask` must have shape"),
        (np.zeros((1, 4, 4, 3), "uint8"), 18, "`mask` must have shape"),
        (np.zeros((1, 4, 4), "uint8"), -1, "`radius_squared` must not"),
    ],
)
def test_errors_name_the_argument(mask, radius_squared, message):
    with pytest.raises(ValueError, match=message):
        boundary_band(mask, radius_squared)


def between_classes(mask, void=None):
    """Plain loops: known pixels next to a known pixel of another id."""
    boundary = np.zeros(mask.shape, bool)
    for y, x in np.ndindex(mask.shape):
        for j, i in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if not (0 <= j < mask.shape[0] and 0 <= i < mask.shape[1]):
                continue
            both = (mask[y, x], mask[j, i])
            boundary[y, x] |= both[0] != both[1] and void not in both
    return boundary


@pytest.mark.parametrize("void", [None, 255])
def test_boundaries_between_classes(void):
    mask = random_mask(2, 25, 34)
    mask[:, 3:9, 5:20] = 255
    expected = np.stack([between_classes(m, void) for m in mask])[..., None]
    found = band_of(mask, 0, void, "classes")
    if void is not None:
        assert (found[mask == void] == 2).all()
        found = np.where(mask[..., None] == void, 0, found)
    np.testing.assert_array_equal(found, expected)
    # A tile of one class has no boundary, not even at its border.
    assert not band_of(np.ones((1, 20, 20), "uint8"), 18, None, "classes").any()
    wide = band_of(mask, 18, void, "classes") == 1
    assert wide.sum() > 2 * expected.sum()


def test_refuses_other_boundaries():
    with pytest.raises(ValueError, match="`between`.*'edges'"):
        boundary_band(np.zeros((1, 8, 8), "uint8"), between="edges")
