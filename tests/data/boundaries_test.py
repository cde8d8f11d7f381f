"""Borders between pairs of classes are void, in crops as in whole masks."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from keras_rsseg.data import void_boundaries
from keras_rsseg.data.boundaries import as_boundary_void
from keras_rsseg.data.pairs import NO_DATA
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import DatasetError
from keras_rsseg.rasters.windows import Window
from tests.data.files import random_image
from tests.data.files import write_raster

VOID = 255
RIMS = {(0, 1): 3, (2, 1): 1.5}


def patchy(height, width, seed):
    """A mask of patches of three classes and some void."""
    rng = np.random.default_rng(seed)
    coarse = rng.choice(
        np.array([0, 1, 2, VOID], "uint8"),
        (height // 6 + 1, width // 6 + 1),
        p=(0.5, 0.2, 0.2, 0.1),
    )
    return coarse.repeat(6, 0).repeat(6, 1)[:height, :width]


def plain(mask, boundary_void):
    """Void where a pixel of a pair's other class is within the width."""
    voided = mask.copy()
    for pair, width in boundary_void.items():
        for own, other in (pair, pair[::-1]):
            others = np.argwhere(mask == other)
            for pixel in np.argwhere(mask == own):
                if (np.hypot(*(others - pixel).T) <= width).any():
                    voided[tuple(pixel)] = VOID
    return voided


@hypothesis.given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    first=st.sampled_from([1, 1.5, 2, 3, 4.3]),
    second=st.sampled_from([1, 2, 3]),
    seed=st.integers(0, 1000),
)
def test_agrees_with_the_plain_computation(height, width, first, second, seed):
    rng = np.random.default_rng(seed)
    mask = rng.choice(
        np.array([0, 1, 2, 3, VOID], "uint8"),
        (height, width),
        p=(0.7, 0.1, 0.1, 0.05, 0.05),
    )
    rims = {(0, 1): first, (3, 1): second}
    np.testing.assert_array_equal(
        void_boundaries(mask, rims), plain(mask, rims)
    )


def test_other_boundaries_void_and_the_border_stay():
    mask = np.array([[1, 0, 0, 0, 2, 2, VOID, 0, 0, VOID, 1]], "uint8")
    before = mask.copy()
    voided = void_boundaries(mask, {(2, 0): 2})
    # Void between two classes does not separate them.
    assert voided.tolist() == [
        [1, 0, VOID, VOID, VOID, VOID, VOID, VOID, 0, VOID, 1]
    ]
    np.testing.assert_array_equal(mask, before)
    assert void_boundaries(mask.astype("int32"), {}).dtype == "int32"


@pytest.mark.parametrize(
    "boundary_void, message",
    [
        ([(0, 1)], r"`boundary_void`.*dict"),
        ({(0, 1, 2): 3}, r"pairs.*\(0, 1, 2\)"),
        ({(1, 1): 3}, r"\(1, 1\)"),
        ({(0, 5): 3}, r"0 to 4.*\(0, 5\)"),
        ({(0, True): 3}, "True"),
        ({(0, 1): 0.5}, "at least 1 pixel.*0.5"),
        ({(0, 1): "wide"}, "wide"),
        ({(0, 1): float("inf")}, "inf"),
        ({(0, 1): 3, (1, 0): 2}, r"once.*\(0, 1\) and \(1, 0\)"),
    ],
)
def test_what_is_no_rim_is_refused(boundary_void, message):
    with pytest.raises(ArgumentError, match=message):
        as_boundary_void(boundary_void, num_classes=5)


def test_masks_of_colours_are_refused():
    with pytest.raises(ArgumentError, match=r"uint8 \(2, 3, 3\)"):
        void_boundaries(np.zeros((2, 3, 3), "uint8"), RIMS)


class TestCrops:
    @pytest.mark.parametrize("cache", [True, False])
    def test_any_window_is_that_part_of_the_whole(self, tmp_path, cache):
        image = random_image(40, 50).astype("float32")
        # Outside the image, the mask has no class.
        image[10:20, 12:30] = np.nan
        mask = patchy(40, 50, seed=1)
        files = [
            write_raster(tmp_path / name, array)
            for name, array in (("a.tif", image), ("b.tif", mask))
        ]
        pairs = ImageMaskPairs(*files, cache=cache, boundary_void=RIMS)
        valid = np.isfinite(image[..., 0])
        whole = void_boundaries(np.where(valid, mask, VOID), RIMS)
        assert (whole != mask).sum() > 200
        np.testing.assert_array_equal(pairs.read_mask(0), whole)
        whole = np.where(valid, whole.astype(int), NO_DATA)
        padded = np.pad(whole, 20, constant_values=NO_DATA)
        rng = np.random.default_rng(0)
        for _ in range(40):
            row, col = rng.integers(-10, 38, 2)
            height, width = rng.integers(11, 20, 2)
            _, found = pairs.read(0, Window(row, col, height, width))
            np.testing.assert_array_equal(
                found,
                padded[row + 20 :, col + 20 :][:height, :width],
            )

    def test_masks_of_the_caller_stay(self):
        mask = patchy(30, 30, seed=2)
        before = mask.copy()
        ImageMaskPairs(random_image(30, 30), mask, boundary_void=RIMS)
        np.testing.assert_array_equal(mask, before)

    def test_images_alone_have_no_rims(self):
        with pytest.raises(
            ArgumentError, match="`boundary_void` needs `masks`"
        ):
            ImageMaskPairs(random_image(8, 8), boundary_void=RIMS)


class TestPipelines:
    def test_both_void_the_rims_of_the_whole_masks(self):
        tf = pytest.importorskip("tensorflow")
        from keras_rsseg.data import join_tiles
        from keras_rsseg.data import tile_dataset
        from keras_rsseg.data import tile_records

        images = [random_image(40, 50), random_image(30, 20)]
        masks = [patchy(40, 50, seed=3), patchy(30, 20, seed=4)]
        records = tf.data.Dataset.from_generator(
            lambda: (
                {"image": image, "mask": mask, "name": f"images[{index}]"}
                for index, (image, mask) in enumerate(
                    zip(images, masks, strict=True)
                )
            ),
            output_signature={
                "image": tf.TensorSpec((None, None, 3), "uint8"),
                "mask": tf.TensorSpec((None, None), "uint8"),
                "name": tf.TensorSpec((), "string"),
            },
        )
        options = dict(tile_size=16, places=True, boundary_void=RIMS)
        for tiles in (
            tile_dataset(images, masks, **options),
            tile_dataset(images, masks, cache=False, **options),
            tile_records(records, **options),
        ):
            found = join_tiles(batch[1:] for batch in tiles)
            for index, mask in enumerate(masks):
                np.testing.assert_array_equal(
                    found[f"images[{index}]"], void_boundaries(mask, RIMS)
                )

    def test_records_keep_their_shape_and_need_masks(self):
        tf = pytest.importorskip("tensorflow")
        from keras_rsseg.data import tile_records

        mask = patchy(32, 32, seed=5).astype("int64")[..., None]
        record = {"image": np.zeros((32, 32, 3), "uint8"), "mask": mask}
        records = tf.data.Dataset.from_tensors(record)
        tiles = tile_records(records, tile_size=32, boundary_void=RIMS)
        assert len(tiles) == 1
        _, masks = next(iter(tiles))
        np.testing.assert_array_equal(
            masks[0], void_boundaries(mask[..., 0], RIMS)
        )
        del record["mask"]
        records = tf.data.Dataset.from_tensors(record)
        with pytest.raises(DatasetError, match="`boundary_void` needs"):
            tile_records(records, tile_size=32, boundary_void=RIMS)

    @pytest.mark.parametrize("cache", [True, False])
    def test_balanced_crops_look_for_what_is_left(self, cache):
        pytest.importorskip("tensorflow")
        from keras_rsseg.data import tile_dataset

        # All of class 1 is near class 0, except one patch.
        mask = np.zeros((200, 200), "uint8")
        mask[20:180:20, 20:180:20] = 1
        mask[180:190, 180:190] = 1
        tiles = tile_dataset(
            random_image(200, 200),
            mask,
            tile_size=16,
            sampling="balanced",
            class_weights=(0, 1),
            tiles_per_epoch=24,
            boundary_void={(0, 1): 3},
            cache=cache,
            seed=1,
        )
        masks = np.concatenate([masks for _, masks in tiles])
        assert (masks == 1).any((1, 2)).mean() > 0.9
        assert not ((masks == 1).sum((1, 2)) > 16).any()
