"""Statistics of bands are those of all pixels that hold data."""

import numpy as np
import pytest

from keras_rsseg.data import ColorStatistics
from keras_rsseg.data import ColorTransfer
from keras_rsseg.data import color_statistics
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import RasterError
from tests.data.files import random_image
from tests.data.files import write_raster


def assert_of(statistics, pixels):
    """They are those of an array `(pixels, bands)`."""
    np.testing.assert_allclose(statistics.means, pixels.mean(0))
    np.testing.assert_allclose(statistics.deviations, pixels.std(0))
    assert statistics.pixels == len(pixels)


class TestMeasuring:
    def test_more_than_a_window_of_files_and_arrays(self, tmp_path):
        image = random_image(1100, 30)
        image[:600] //= 4
        path = write_raster(tmp_path / "a.tif", image)
        for given in (path, image, [image], image[None]):
            (found,) = color_statistics(given)
            assert_of(found, image.reshape(-1, 3).astype(float))

    def test_one_of_each_and_one_of_all(self):
        images = [random_image(9, 7, seed=0), random_image(5, 20, seed=1) // 5]
        found = color_statistics(images)
        for one, image in zip(found, images, strict=True):
            assert_of(one, image.reshape(-1, 3).astype(float))
        every = np.concatenate([image.reshape(-1, 3) for image in images])
        assert_of(ColorStatistics.join(found), every.astype(float))

    def test_pixels_without_data_do_not_count(self, tmp_path):
        image = random_image(12, 10)
        image[2:5] = 0
        path = write_raster(tmp_path / "a.tif", image, nodata=0)
        kept = np.delete(image, slice(2, 5), axis=0).reshape(-1, 3)
        assert_of(color_statistics(path)[0], kept.astype(float))
        floats = image.astype("float32")
        floats[2:5, :, 1] = np.nan
        assert_of(color_statistics(floats)[0], kept.astype(float))

    def test_bands_in_the_order_asked(self, tmp_path):
        image = random_image(12, 10, bands=4).astype("uint16") * 40
        path = write_raster(tmp_path / "a.tif", image)
        found = color_statistics(path, bands=[4, 1])[0]
        assert_of(found, image[..., [3, 0]].reshape(-1, 2).astype(float))

    def test_large_values_that_differ_little(self):
        image = 60_000 + np.arange(4.0).reshape(2, 2, 1)
        found = color_statistics(image.astype("float32"))[0]
        assert found.deviations == pytest.approx((np.sqrt(1.25),))

    def test_an_image_without_data_is_named(self):
        empty = np.full((4, 4, 3), np.nan, "float32")
        with pytest.raises(RasterError, match=r"images\[1\] has no pixel"):
            color_statistics([np.ones_like(empty), empty])


class TestStatistics:
    def test_lists_do_as_well_and_they_can_be_compared(self):
        one = ColorStatistics([1, 2], np.array([3, 4]))
        assert one == ColorStatistics((1.0, 2.0), (3.0, 4.0))
        assert one.means == (1.0, 2.0) and len({one, one}) == 1

    @pytest.mark.parametrize(
        "arguments, message",
        [
            (dict(means=1, deviations=[1]), "`means`.*1"),
            (dict(means=[], deviations=[]), "`means`"),
            (dict(means=["a"], deviations=[1]), "`means`"),
            (dict(means=[1, 2], deviations=[1]), "2 means, 1 deviations"),
            (dict(means=[1], deviations=[-1]), "`deviations`"),
            (dict(means=[1], deviations=[np.inf]), "`deviations`"),
            (dict(means=[1], deviations=[1], pixels=0), "`pixels`"),
        ],
    )
    def test_bad_numbers_are_refused(self, arguments, message):
        with pytest.raises(ArgumentError, match=message):
            ColorStatistics(**arguments)

    def test_nothing_and_other_bands_cannot_be_joined(self):
        one = ColorStatistics([1], [1])
        with pytest.raises(ArgumentError, match="0, of"):
            ColorStatistics.join([])
        with pytest.raises(ArgumentError, match=r"2, of \[1, 2\] bands"):
            ColorStatistics.join([one, ColorStatistics([1, 2], [1, 2])])


class TestTransfer:
    source = ColorStatistics([1, 2], [3, 4])

    def test_one_target_or_several(self):
        one = ColorTransfer(self.source, self.source)
        assert one == ColorTransfer(self.source, [self.source])
        assert one.bands == 2

    @pytest.mark.parametrize(
        "targets, message",
        [
            ([], "`targets`"),
            ([(1, 2)], r"`targets\[0\]`"),
            ([source, ColorStatistics([1], [1])], r"1 in `targets\[1\]`"),
            ([ColorStatistics([1, 2], [1, 0])], r"`targets\[0\]` must vary"),
        ],
    )
    def test_bad_targets_are_refused(self, targets, message):
        with pytest.raises(ArgumentError, match=message):
            ColorTransfer(self.source, targets)

    def test_a_flat_source_is_refused(self):
        flat = ColorStatistics([1, 2], [0, 1])
        with pytest.raises(ArgumentError, match="`source` must vary"):
            ColorTransfer(flat, [self.source])
