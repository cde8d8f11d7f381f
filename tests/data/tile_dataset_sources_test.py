"""Tiles are cut from users' folders, patterns and ids."""

import numpy as np
import pytest

from keras_rsseg.data import SampleWarning
from keras_rsseg.data import tile_dataset
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.errors import ArgumentError
from tests.data.files import random_image
from tests.data.files import write_raster


def halves(size=16, low=0, high=1):
    mask = np.full((size, size), low, "uint8")
    mask[:, size // 2 :] = high
    return mask


@pytest.fixture
def folders(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".DS_Store").write_bytes(b"\0\1")
    for index in (1, 2, 10):
        image = np.full((16, 16, 3), index, "uint8")
        write_raster(tmp_path / "images" / f"{index}.png", image)
        mask = halves()
        mask[0, 0] = 255 if index == 10 else index - 1
        write_raster(tmp_path / "masks" / f"{index}.tif", mask)
    return tmp_path / "images", tmp_path / "masks"


def read(data):
    """The first value of each tile and of its mask."""
    return {
        (int(tile[0, 0, 0]), int(mask[0, 0]))
        for tiles, masks in data.as_numpy_iterator()
        for tile, mask in zip(tiles, masks, strict=True)
    }


class TestSources:
    @pytest.mark.parametrize("pattern", ["", "/*", "/*.*"])
    def test_folders_and_patterns_are_paired_by_name(self, folders, pattern):
        data = tile_dataset(
            f"{folders[0]}{pattern}", f"{folders[1]}{pattern}", tile_size=16
        )
        assert read(data) == {(1, 0), (2, 1), (10, 255)}

    def test_hidden_files_of_lists_are_left_out(self, folders):
        images, masks = (sorted(folder.iterdir()) for folder in folders)
        data = tile_dataset(images, masks, tile_size=16)
        assert read(data) == {(1, 0), (2, 1), (10, 255)}

    def test_images_alone(self, folders):
        data = tile_dataset(f"{folders[0]}/*.png", tile_size=16, batch_size=3)
        (tiles,) = data.as_numpy_iterator()
        assert tiles[:, 0, 0, 0].tolist() == [1, 2, 10]

    def test_lists_in_other_orders_are_refused(self, folders):
        images = [folders[0] / f"{i}.png" for i in (1, 2, 10)]
        masks = [folders[1] / f"{i}.tif" for i in (1, 10, 2)]
        with pytest.raises(ValueError, match="2 of 3 pairs"):
            tile_dataset(images, masks, tile_size=16)


class TestDoubts:
    IMAGE = random_image(16, 16)

    def test_masks_of_0_and_255(self):
        mask = halves(high=255)
        with pytest.warns(SampleWarning, match=r"0 and 255.*`ids=\{255: 1\}`"):
            tile_dataset(self.IMAGE, mask, tile_size=16, num_classes=2)
        data = tile_dataset(
            self.IMAGE, mask, tile_size=16, num_classes=2, ids={255: 1}
        )
        ((_, masks),) = data.as_numpy_iterator()
        np.testing.assert_array_equal(masks[0], halves())

    def test_ids_that_begin_at_1(self):
        mask = halves(low=1, high=2)
        with pytest.raises(ValueError, match="begin at 1: subtract 1"):
            tile_dataset(self.IMAGE, mask, tile_size=16, num_classes=2)
        data = tile_dataset(
            self.IMAGE, mask, tile_size=16, num_classes=2, ids={1: 0, 2: 1}
        )
        ((_, masks),) = data.as_numpy_iterator()
        np.testing.assert_array_equal(masks[0], halves())

    def test_classes_that_occur_nowhere(self):
        with pytest.warns(SampleWarning, match="2 of 4 classes: 1, 3"):
            tile_dataset(
                self.IMAGE, halves(high=2), tile_size=16, num_classes=4
            )

    def test_nothing_but_void(self):
        with pytest.warns(SampleWarning, match="no labelled pixel"):
            tile_dataset(self.IMAGE, halves(low=255, high=255), tile_size=16)


def test_pairs_are_not_read_again(folders):
    pairs = ImageMaskPairs(*folders, ids={255: 1})
    for folder in folders:
        for path in folder.iterdir():
            path.unlink()
    expected = {(1, 0), (2, 1), (10, 1)}
    assert read(tile_dataset(pairs, tile_size=16)) == expected
    with pytest.raises(ArgumentError, match="`masks` are in the `ImageMask"):
        tile_dataset(pairs, folders[1], tile_size=16)
