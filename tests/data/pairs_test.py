"""What does not fit is refused before it costs a training."""

import numpy as np
import pytest

from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.palette import UnlistedColorWarning
from keras_rsseg.rasters.windows import Window
from tests.data.files import random_image
from tests.data.files import write_raster


def mask_of(height, width, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, classes, (height, width)).astype("uint8")


class TestChecks:
    def test_no_images(self):
        with pytest.raises(ValueError, match="at least one image"):
            ImageMaskPairs([])

    def test_another_number_of_masks(self):
        with pytest.raises(ValueError, match="2 images, 1 mask"):
            ImageMaskPairs([random_image(4, 4)] * 2, [mask_of(4, 4)])

    def test_sizes_that_differ_name_both_files(self, tmp_path):
        image = write_raster(tmp_path / "town.png", random_image(6, 7))
        mask = write_raster(tmp_path / "other.png", mask_of(7, 6))
        with pytest.raises(ValueError, match=r"town.png of 6x7.*other.png of"):
            ImageMaskPairs([image], [mask])

    @pytest.mark.parametrize("cache", [True, False])
    def test_ids_out_of_range_name_file_and_ids(self, tmp_path, cache):
        image = write_raster(tmp_path / "a.png", random_image(6, 7))
        ids = mask_of(6, 7)
        ids[0, :3] = (3, 9, 255)
        mask = write_raster(tmp_path / "b.png", ids)
        with pytest.raises(ValueError, match=r"b.png.*range: \[3, 9\].*0\.\.2"):
            ImageMaskPairs([image], [mask], num_classes=3, cache=cache)

    def test_a_palette_longer_than_num_classes(self):
        rgb = np.zeros((4, 4, 3), "uint8")
        rgb[0] = 1
        with pytest.raises(ValueError, match=r"masks\[0\].*range: \[1\]"):
            ImageMaskPairs(
                random_image(4, 4),
                rgb,
                palette=[(0, 0, 0), (1, 1, 1)],
                num_classes=1,
            )

    def test_band_counts_that_differ(self, tmp_path):
        images = [
            write_raster(tmp_path / "a.tif", random_image(4, 4, 3)),
            write_raster(tmp_path / "b.tif", random_image(4, 4, 4)),
        ]
        with pytest.raises(ValueError, match="3 in .*a.tif, 4 in .*b.tif"):
            ImageMaskPairs(images)
        assert ImageMaskPairs(images, bands=[1, 2, 3]).bands == 3

    def test_ranges_that_differ(self):
        images = [random_image(4, 4), random_image(4, 4).astype("uint16")]
        with pytest.raises(ValueError, match="same dtype.*uint8.*uint16"):
            ImageMaskPairs(images)

    def test_a_band_that_is_not_there(self, tmp_path):
        path = write_raster(tmp_path / "a.png", random_image(4, 4))
        with pytest.raises(ValueError, match="1 to 3.*a.png"):
            ImageMaskPairs([path], bands=[4])

    def test_a_file_that_is_no_image(self, tmp_path):
        path = tmp_path / "a.png"
        path.write_bytes(b"GIF? no")
        with pytest.raises(ValueError, match="a.png cannot be read"):
            ImageMaskPairs([path])
        with pytest.raises(ValueError, match="a.png cannot be read"):
            ImageMaskPairs([random_image(4, 4)], [path])

    def test_a_single_mask_path_for_two_images(self):
        with pytest.raises(ValueError, match="2 images, 1 mask"):
            ImageMaskPairs([random_image(4, 4)] * 2, "mask.png")

    @pytest.mark.parametrize("classes", [0, 256])
    def test_num_classes_out_of_range(self, classes):
        with pytest.raises(ValueError, match="`num_classes`"):
            ImageMaskPairs(random_image(4, 4), num_classes=classes)

    def test_one_report_of_unlisted_colours(self, tmp_path):
        images = [random_image(4, 4)] * 3
        masks = [
            write_raster(tmp_path / f"{n}.png", np.full((4, 4, 3), n, "u1"))
            for n in range(3)
        ]
        for cache in (True, False):
            with pytest.warns(UnlistedColorWarning) as caught:
                pairs = ImageMaskPairs(
                    images, masks, palette=[(0, 0, 0)], cache=cache
                )
                for index in (0, 1, 2):
                    _, ids = pairs.read(index, Window(0, 0, 4, 4))
                    assert (ids == (0 if index == 0 else 255)).all()
            assert len(caught) == 1
            assert "1.png" in str(caught[0].message)

    def test_a_class_declared_as_no_data_is_reported(self, tmp_path):
        mask = write_raster(tmp_path / "m.tif", mask_of(4, 4), nodata=0)
        with pytest.warns(UserWarning, match="m.tif declares 0"):
            pairs = ImageMaskPairs([random_image(4, 4)], [mask], num_classes=3)
        _, ids = pairs.read(0, Window(0, 0, 4, 4))
        assert ((ids == 255) == (mask_of(4, 4) == 0)).all()


class TestRead:
    @pytest.mark.parametrize("cache", [True, False])
    def test_files_and_arrays_agree(self, tmp_path, cache):
        images = [random_image(9, 8, seed=n) for n in range(2)]
        masks = [mask_of(9, 8, seed=n) for n in range(2)]
        files = ImageMaskPairs(
            [
                write_raster(tmp_path / f"{n}.png", image)
                for n, image in enumerate(images)
            ],
            [
                write_raster(tmp_path / f"{n}_mask.tif", mask)
                for n, mask in enumerate(masks)
            ],
            cache=cache,
        )
        arrays = ImageMaskPairs(np.stack(images), np.stack(masks), cache=cache)
        window = Window(-1, 3, 6, 7)
        for index in (0, 1):
            image, mask = files.read(index, window)
            assert image.dtype == np.uint8 and mask.dtype == np.int32
            other, other_mask = arrays.read(index, window)
            np.testing.assert_array_equal(image, other)
            np.testing.assert_array_equal(mask, other_mask)
            np.testing.assert_array_equal(image[1:, :5], images[index][:5, 3:])
            np.testing.assert_array_equal(image[0], image[1])
            assert (mask[0] == -1).all() and (mask[:, 5:] == -1).all()
            assert (mask[1:, :5] != -1).all()

    @pytest.mark.parametrize("cache", [True, False])
    def test_no_data_is_zero_and_marked(self, cache):
        image = random_image(6, 6).astype("float32")
        image[2, 3, 0] = np.nan
        mask = mask_of(6, 6)
        pairs = ImageMaskPairs(image, mask, cache=cache)
        tile, ids = pairs.read(0, Window(0, 0, 6, 6))
        assert np.isfinite(tile).all() and (tile[2, 3] == 0).all()
        assert ids[2, 3] == -1
        assert (ids == -1).sum() == 1
        # The caller's arguments are unchanged.
        assert np.isnan(image[2, 3, 0]) and mask[2, 3] != 255

    def test_sixteen_bits_become_floats_in_the_range_of_the_file(self):
        image = np.full((4, 4, 5), 40000, "uint16")
        pairs = ImageMaskPairs([image], bands=[5, 2])
        tile, mask = pairs.read(0, Window(0, 0, 4, 4))
        assert (mask == 0).all()
        assert tile.dtype == np.float32 and tile.shape == (4, 4, 2)
        assert (tile == 40000).all()
