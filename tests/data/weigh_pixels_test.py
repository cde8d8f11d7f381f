"""Every pixel gets the weight of its class, void none."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_rsseg.data import tile_dataset  # noqa: E402
from keras_rsseg.data import weigh_pixels  # noqa: E402

IDS = np.array([[0, 1, 2], [255, 2, 1]], "uint8")


def tiles(ids=IDS, **options):
    image = np.zeros((*ids.shape, 3), "uint8")
    return tile_dataset(image, ids, tile_size=ids.shape, **options)


def test_each_class_has_its_weight_and_void_none():
    weighed = weigh_pixels(tiles(), [0.5, 1, 3])
    assert weighed.cardinality() == 1
    images, masks, weights = next(weighed.as_numpy_iterator())
    assert images.shape == (1, 2, 3, 3) and weights.dtype == "float32"
    np.testing.assert_array_equal(masks[0], IDS)
    np.testing.assert_array_equal(weights[0], [[0.5, 1, 3], [0, 3, 1]])


def test_pixels_of_weight_0_are_void():
    _, masks, weights = next(
        weigh_pixels(tiles(), [1, 0, 2]).as_numpy_iterator()
    )
    np.testing.assert_array_equal(masks[0], [[0, 255, 2], [255, 2, 255]])
    np.testing.assert_array_equal(weights[0], [[1, 0, 2], [0, 2, 0]])


def test_masks_of_other_dtypes_keep_theirs():
    images = np.zeros((1, 2, 3, 3), "uint8")
    data = tf.data.Dataset.from_tensors((images, IDS[None, ..., None]))
    _, masks, weights = weigh_pixels(data, [1, 2, 3]).element_spec
    assert masks.dtype == "uint8" and masks.shape == weights.shape


def test_repeated_tiles_stay_endless():
    weighed = weigh_pixels(tiles(repeat=True), [1, 1, 1])
    assert weighed.cardinality() == tf.data.INFINITE_CARDINALITY


def test_an_id_without_a_weight_is_an_error():
    with pytest.raises(tf.errors.InvalidArgumentError, match="beyond the 2 of"):
        next(iter(weigh_pixels(tiles(), [1, 1])))


@pytest.mark.parametrize("weights", [[1, -1], [], [0, 0], [[1]], [np.nan, 1]])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match="`class_weights` must be a float"):
        weigh_pixels(tiles(), weights)


@pytest.mark.parametrize(
    "change",
    [
        lambda x, y: x,
        lambda x, y: (x, y, y),
        lambda x, y: (x, tf.cast(y, "float32")),
        lambda x, y: (x, {"name": y}),
    ],
)
def test_what_is_no_image_and_mask_is_refused(change):
    with pytest.raises(ValueError, match=r"of \(images, masks\)"):
        weigh_pixels(tiles().map(change), [1, 1, 1])
