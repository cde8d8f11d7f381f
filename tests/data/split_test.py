"""Validation samples are not trained on, nor are their neighbours."""

import numpy as np
import pytest

from keras_rsseg.data import read_image
from keras_rsseg.data import read_mask
from keras_rsseg.data import tile_dataset
from keras_rsseg.data import train_validation_split
from tests.data.files import random_image
from tests.data.files import write_raster

IMAGES = [np.full((8, 8, 3), i, "uint8") for i in range(10)]
MASKS = [image[..., 0] % 2 for image in IMAGES]


def values(part):
    return [int(image[0, 0, 0]) for image in part[0]]


def class_counts(images, masks):
    return np.array([np.bincount(m.ravel(), minlength=4)[:4] for m in masks])


class TestByClass:
    """Class 0 everywhere, 1 in a half, 2 in two images and 3 in one."""

    masks = [np.zeros((8, 8), "uint8") for _ in range(10)]
    for index in range(10):
        masks[index][:4] = index % 2
    masks[2][6:], masks[7][6:], masks[4][7:] = 2, 2, 3

    def held(self, seed, **options):
        images = [np.full((8, 8, 3), i, "uint8") for i in range(10)]
        parts = train_validation_split(
            images, self.masks, 0.3, seed=seed, **options
        )
        return values(parts[0]), values(parts[1])

    @pytest.mark.parametrize("seed", range(5))
    def test_each_class_is_in_both_parts_where_it_can_be(self, seed):
        train, held = self.held(seed, class_counts=class_counts)
        assert len(held) == 3
        assert len({2, 7} & set(held)) == 1
        assert 4 in train
        assert {index % 2 for index in held} == {0, 1}

    def test_what_has_no_labels_is_in_neither_part(self):
        train, held = self.held(
            0,
            class_counts=lambda images, masks: (
                class_counts(images, masks) * (np.arange(10) > 4)[:, None]
            ),
        )
        assert sorted(train + held) == [5, 6, 7, 8, 9]
        with pytest.raises(ValueError, match=r"labels.*Received: 0, split by"):
            self.held(0, class_counts=lambda images, masks: np.zeros((10, 4)))

    def test_single_draws_leave_classes_out(self):
        draws = [self.held(seed)[1] for seed in range(20)]
        assert any(not {2, 7} & set(held) for held in draws)

    def test_seeds_differ_and_repeat(self):
        draws = [
            tuple(self.held(seed, class_counts=class_counts)[1])
            for seed in (0, 0, 1, 2, 3)
        ]
        assert draws[0] == draws[1]
        assert len(set(draws)) > 1


class TestByScene:
    def test_each_scene_is_in_one_part_with_its_mask(self):
        train, held = train_validation_split(IMAGES, MASKS, 0.3, seed=1)
        assert len(held[0]) == 3
        assert sorted(values(train) + values(held)) == list(range(10))
        for images, masks in (train, held):
            for image, mask in zip(images, masks, strict=True):
                np.testing.assert_array_equal(image[..., 0] % 2, mask)

    def test_a_seed_repeats_it_and_others_differ(self):
        parts = [
            tuple(values(train_validation_split(IMAGES, MASKS, seed=s)[1]))
            for s in (0, 0, 1, 2, 3)
        ]
        assert parts[0] == parts[1]
        assert len(set(parts)) > 2

    def test_shares_are_those_of_the_area(self):
        sizes = [8, 8, 8, 8, 8, 8, 8, 8, 64, 64]
        images = [np.zeros((8, size, 3), "uint8") for size in sizes]
        masks = [image[..., 0] for image in images]
        for seed in range(5):
            _, held = train_validation_split(images, masks, 0.4, seed=seed)
            share = sum(image.shape[1] for image in held[0]) / sum(sizes)
            assert 0.2 < share < 0.6

    @pytest.mark.parametrize("share", [0.001, 0.999])
    def test_both_parts_have_a_scene(self, share):
        train, held = train_validation_split(IMAGES[:2], MASKS[:2], share)
        assert len(train[0]) == len(held[0]) == 1

    def test_folders(self, tmp_path):
        for name in ("images", "masks"):
            (tmp_path / name).mkdir()
            for index in range(4):
                array = random_image(8, 8)
                array = array if name == "images" else array[..., 0] % 2
                write_raster(tmp_path / name / f"{index}.png", array)
        train, held = train_validation_split(
            tmp_path / "images", tmp_path / "masks", 0.25
        )
        assert len(train[0]) == 3 and len(held[0]) == 1
        assert held[0][0].stem == held[1][0].stem
        tile_dataset(*train, tile_size=8)


class TestByBlock:
    IMAGE = random_image(50, 100)
    MASK = IMAGE[..., 0] % 3

    def sources(self, kind, folder):
        if kind == "array":
            return [self.IMAGE], [self.MASK]
        image = write_raster(folder / "a scene.tif", self.IMAGE)
        return [image], [write_raster(folder / "a mask.tif", self.MASK)]

    @pytest.mark.parametrize("kind", ["array", "file"])
    def test_blocks_fill_the_scene_once(self, tmp_path, kind):
        parts = train_validation_split(
            *self.sources(kind, tmp_path), 0.3, by="block", block_size=20
        )
        assert len(parts[1][0]) in (4, 5)
        pixels = []
        for images, masks in parts:
            for image, mask in zip(images, masks, strict=True):
                image, mask = read_image(image), read_mask(mask)
                assert 16 <= min(mask.shape) and max(mask.shape) <= 30
                np.testing.assert_array_equal(image[..., 0] % 3, mask)
                pixels.append(image.reshape(-1, 3))
        found = np.sort(np.concatenate(pixels), axis=0)
        expected = np.sort(self.IMAGE.reshape(-1, 3), axis=0)
        np.testing.assert_array_equal(found, expected)

    def test_tiles_are_cut_of_them(self, tmp_path):
        train, _ = train_validation_split(
            *self.sources("file", tmp_path), by="block", block_size=20
        )
        for tiles, masks in tile_dataset(
            *train, tile_size=16, stride=8, cache=False
        ).as_numpy_iterator():
            np.testing.assert_array_equal(tiles[..., 0] % 3, masks)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"validation": 0}, "between 0 and 1"),
        ({"validation": 1}, "between 0 and 1"),
        ({"by": "tile"}, "'scene', 'block'"),
        ({"by": "block"}, "1, split by 'block'"),
        ({"by": "scene"}, "1, split by 'scene'.*into blocks"),
        ({"by": "block", "block_size": 0}, "`block_size`"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        train_validation_split(IMAGES[:1], MASKS[:1], **options)
