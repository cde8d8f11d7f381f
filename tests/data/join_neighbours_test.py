"""Adjoining images become one, with each pixel in its place."""

import csv
import pathlib
import warnings

import numpy as np
import pytest
from rasterio.transform import Affine

from keras_rsseg.data import join_neighbours
from tests.data.files import random_image
from tests.data.files import write_raster
from tests.shared import shared_path

UTM = "EPSG:26917"


def pieces(image, mask, windows):
    """Cut an image and its mask by `(row, col, height, width)`."""
    return zip(
        *(
            (image[r : r + h, c : c + w], mask[r : r + h, c : c + w])
            for r, c, h, w in windows
        ),
        strict=True,
    )


def pair(height, width):
    ids = np.random.default_rng(1).integers(0, 5, (height, width), "uint8")
    return random_image(height, width), ids


def write_placed(path, image, row, col, pixel=0.6, crs=UTM):
    """Write a GeoTIFF with its first pixel at a position on a grid."""
    transform = Affine(pixel, 0, 3e5 + 0.6 * col, 0, -pixel, 4e6 - 0.6 * row)
    return write_raster(path, image, crs=crs, transform=transform)


class TestPlaces:
    def test_parts_come_together_again(self):
        image, mask = pair(20, 30)
        windows = [(0, 0, 8, 30), (8, 12, 12, 18), (8, 0, 12, 12)]
        images, masks = pieces(image, mask, windows)
        (joined,), (ids,) = join_neighbours(
            images, masks, places=[window[:2] for window in windows]
        )
        np.testing.assert_array_equal(joined, image)
        np.testing.assert_array_equal(ids, mask)
        assert joined.dtype == "uint8" and ids.dtype == "uint8"

    def test_corners_do_not_join_and_groups_keep_the_order(self):
        images = [np.full((4, 4, 1), value, "u1") for value in range(1, 6)]
        # 1 touches 5 at a side, 3 at a corner; 2 and 4 are far away.
        places = [(0, 0), (90, 9), (4, 4), (94, 9), (-4, 0)]
        joined, masks = join_neighbours(images, places=places)
        assert masks is None
        assert [image[..., 0].max() for image in joined] == [5, 4, 3]
        assert [image.shape for image in joined] == [
            (8, 4, 1),
            (8, 4, 1),
            (4, 4, 1),
        ]
        np.testing.assert_array_equal(joined[0][:, 0, 0], [5] * 4 + [1] * 4)

    def test_a_chain_in_any_order_is_one_group(self):
        order = np.random.default_rng(0).permutation(12)
        images = [np.full((2, 2, 1), value, "u1") for value in order]
        places = [(0, 2 * int(value)) for value in order]
        (joined,), _ = join_neighbours(images, places=places)
        np.testing.assert_array_equal(joined[0, ::2, 0], range(12))

    def test_holes_are_black_and_void(self):
        image, mask = pair(10, 10)
        windows = [(0, 0, 4, 10), (4, 0, 6, 3)]
        images, masks = pieces(image, mask, windows)
        (joined,), (ids,) = join_neighbours(
            images, masks, places=[(7, -20), (11, -20)]
        )
        known = np.ones((10, 10), bool)
        known[4:, 3:] = False
        np.testing.assert_array_equal(joined[known], image[known])
        np.testing.assert_array_equal(ids[known], mask[known])
        assert (joined[~known] == 0).all() and (ids[~known] == 255).all()

    def test_where_images_overlap_the_later_stays(self):
        images = [np.full((4, 4, 1), value, "u1") for value in (1, 2)]
        (joined,), _ = join_neighbours(images, places=[(0, 0), (0, 3)])
        np.testing.assert_array_equal(joined[0, :, 0], [1, 1, 1, 2, 2, 2, 2])

    def test_pixels_without_data_are_black_and_void(self):
        image = np.ones((2, 4, 4, 1), "float32")
        image[1, 2, 3] = np.nan
        (joined,), (ids,) = join_neighbours(
            image, np.zeros((2, 4, 4), "u1"), places=[(0, 0), (0, 4)]
        )
        assert ids[2, 7] == 255 and (ids == 255).sum() == 1
        assert joined[2, 7] == 0 and joined.sum() == 31

    @pytest.mark.parametrize(
        "places, message",
        [
            ([(0, 0)], "one .* for each image. Received: 1 place, 2 images"),
            ([(0, 0), (0, 0.5)], "whole pixels. Received: .0, 0.5"),
            ([(0, 0), (0, 0, 4)], "whole pixels. Received: .0, 0, 4"),
            (None, r"`places` must be given for arrays.*images\[0\]"),
        ],
    )
    def test_places_that_are_none_are_refused(self, places, message):
        with pytest.raises(ValueError, match=message):
            join_neighbours([random_image(4, 4)] * 2, places=places)


class TestGround:
    def test_files_tell_their_places_and_masks_need_none(self, tmp_path):
        image, mask = pair(16, 24)
        windows = [(8, 8, 8, 8), (8, 0, 8, 8), (0, 0, 8, 24)]
        images, masks = [], []
        for number, (part, ids) in enumerate(
            zip(*pieces(image, mask, windows), strict=True)
        ):
            row, col = windows[number][:2]
            images.append(
                write_placed(tmp_path / f"{number}.tif", part, row, col)
            )
            masks.append(write_raster(tmp_path / f"{number}.png", ids))
        # A single one, far away: floats are not exact there.
        away = write_placed(tmp_path / "3.tif", image, 80000, 90000)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            joined, ids = join_neighbours(
                [*images, away], [*masks, mask], num_classes=5, bands=[2]
            )
        assert [part.shape for part in joined] == [(16, 24, 1), (16, 24, 1)]
        np.testing.assert_array_equal(joined[0][:8], image[:8, :, 1:2])
        np.testing.assert_array_equal(ids[0][8:, :16], mask[8:, :16])
        assert (ids[0][8:, 16:] == 255).all()

    def test_one_file_is_a_mosaic_of_itself(self, tmp_path):
        image, mask = pair(8, 8)
        path = write_placed(tmp_path / "a.tif", image, 3, 4)
        (joined,), (ids,) = join_neighbours(path, mask)
        np.testing.assert_array_equal(joined, image)
        np.testing.assert_array_equal(ids, mask)

    @pytest.mark.parametrize(
        "place",
        [
            dict(row=0.5, col=8),
            dict(row=0, col=8, pixel=0.61),
            dict(row=0, col=8, crs="EPSG:26918"),
        ],
    )
    def test_another_grid_is_refused_by_name(self, tmp_path, place):
        image = random_image(8, 8)
        paths = [
            write_placed(tmp_path / "a.tif", image, 0, 0),
            write_placed(tmp_path / "b.tif", image, **place),
        ]
        with pytest.raises(ValueError, match=r"on one grid.*a\.tif.*b\.tif"):
            join_neighbours(paths)

    def test_a_file_without_a_place_is_refused_by_name(self, tmp_path):
        path = write_raster(tmp_path / "a.png", random_image(8, 8))
        with pytest.raises(ValueError, match=r"georeferenced.*a\.png"):
            join_neighbours([path])
        (joined,), _ = join_neighbours([path], places=[(5, 5)])
        assert joined.shape == (8, 8, 3)

    def test_what_the_pairs_refuse_is_refused(self):
        image, mask = pair(8, 8)
        with pytest.raises(ValueError, match="ids out of range"):
            join_neighbours([image], [mask], places=[(0, 0)], num_classes=3)


def test_crops_of_the_mosaic_have_no_rim():
    """Its purpose: a crop larger than a piece is filled."""
    pytest.importorskip("tensorflow")
    from keras_rsseg.data import Augmentation
    from keras_rsseg.data import tile_dataset

    image, mask = pair(64, 64)
    windows = [
        (r, c, 32, 32) for r in range(0, 64, 32) for c in range(0, 64, 32)
    ]
    images, masks = map(list, pieces(image, mask, windows))

    def void_share(images, masks):
        tiles = tile_dataset(
            images,
            masks,
            tile_size=32,
            sampling="balanced",
            tiles_per_epoch=8,
            augmentation=Augmentation(scale=(0.5, 0.5)),
            seed=0,
        )
        return np.mean([(ids == 255).numpy().mean() for _, ids in tiles])

    places = [window[:2] for window in windows]
    assert void_share(*join_neighbours(images, masks, places=places)) == 0
    assert void_share(images, masks) == pytest.approx(0.75)


def test_tiles_of_ohio_lie_where_their_table_says():
    root = shared_path("data", "ohio_naip")
    with open(root / "tiles.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["cluster"] == "5"]
    images = [_ohio(root, row, "images", ".tif") for row in rows]
    masks = [_ohio(root, row, "masks", ".png") for row in rows]
    joined = join_neighbours(images, masks, num_classes=5)
    by_table = join_neighbours(
        images,
        masks,
        places=[(256 * int(r["row"]), 256 * int(r["column"])) for r in rows],
    )
    assert sum(mask.size for mask in joined[1]) < 2 * len(rows) * 256**2
    for found, expected in zip(joined, by_table, strict=True):
        assert len(found) < len(rows)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def _ohio(root: pathlib.Path, row, kind, suffix):
    return root / row["part"] / kind / f"{row['tile']}{suffix}"
