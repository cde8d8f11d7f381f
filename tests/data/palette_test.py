"""A colour never becomes the wrong class, and never silently void."""

import warnings

import keras
import numpy as np
import pytest

from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import UnlistedColors
from keras_rsseg.data.palette import UnlistedColorWarning
from keras_rsseg.data.reading import read_mask
from tests.data.files import DUBAI_COLORS
from tests.data.files import DUBAI_VOID


class TestPalette:
    def test_ids_to_colours_and_back(self):
        palette = Palette(DUBAI_COLORS, void_colors=DUBAI_VOID)
        ids = np.random.default_rng(0).integers(0, 6, (97, 31)).astype("uint8")
        ids[ids == 5] = 255
        np.testing.assert_array_equal(palette.to_ids(palette.to_rgb(ids)), ids)

    def test_every_void_colour_is_void_without_a_report(self):
        palette = Palette([(1, 2, 3)], void_colors=[(4, 5, 6), (0, 0, 0)])
        rgb = np.array([[(1, 2, 3), (4, 5, 6), (0, 0, 0)]], "uint8")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ids = palette.to_ids(rgb)
        assert ids.tolist() == [[0, 255, 255]]

    def test_an_unlisted_colour_is_void_and_reported(self):
        palette = Palette([(0, 0, 0), (255, 0, 0)])
        rgb = np.zeros((4, 4, 3), "uint8")
        rgb[0] = (255, 0, 0)
        rgb[1, :3] = (255, 0, 1)
        with pytest.warns(UnlistedColorWarning) as caught:
            ids = palette.to_ids(rgb, source="roads.png")
        assert (ids[1, :3] == 255).all()
        assert (ids[0] == 1).all() and (ids[2:] == 0).all()
        message = str(caught[0].message)
        assert "(255, 0, 1): 3" in message and "roads.png" in message

    def test_channel_order_matters(self):
        palette = Palette([(1, 2, 3)])
        with pytest.warns(UnlistedColorWarning):
            assert palette.to_ids(np.full((1, 1, 3), (3, 2, 1), "u1")) == 255

    def test_masks_larger_than_a_strip(self):
        palette = Palette(DUBAI_COLORS)
        ids = np.random.default_rng(1).integers(0, 5, (700, 801))
        ids = ids.astype("uint8")
        np.testing.assert_array_equal(palette.to_ids(palette.to_rgb(ids)), ids)

    def test_254_classes_and_void_are_all_distinct(self):
        palette = Palette([(i, 0, 7) for i in range(254)])
        ids = np.arange(254, dtype="uint8")[None]
        np.testing.assert_array_equal(palette.to_ids(palette.to_rgb(ids)), ids)

    def test_void_is_drawn_in_its_colour(self):
        ids = np.array([255, 0])
        assert Palette([(9, 9, 9)]).to_rgb(ids).tolist() == [[0] * 3, [9] * 3]
        palette = Palette([(9, 9, 9)], void_colors=[(5, 6, 7)])
        assert palette.to_rgb(ids)[0].tolist() == [5, 6, 7]

    def test_an_id_without_a_colour_is_refused(self):
        with pytest.raises(ValueError, match=r"0\.\.1 or be 255.*\[2\]"):
            Palette([(0, 0, 0), (1, 1, 1)]).to_rgb(np.array([0, 2]))

    @pytest.mark.parametrize(
        "arguments, message",
        [
            (dict(colors=[]), "1 to 254"),
            (dict(colors=[(0, 0)]), "`colors` must hold colours"),
            (dict(colors=[(0, 0, 256)]), "`colors` must hold colours"),
            (dict(colors=[(0, 0, 0.5)]), "`colors` must hold colours"),
            (dict(colors=[(1, 1, 1), (1, 1, 1)]), "twice"),
            (dict(colors=[(1, 1, 1)], void_colors=[(1, 1, 1)]), "twice"),
            (dict(colors=[(1, 1, 1)], names=["a", "b"]), "one name per colour"),
        ],
    )
    def test_bad_palettes_are_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            Palette(**arguments)

    def test_bad_masks_are_refused(self):
        palette = Palette([(0, 0, 0)])
        for wrong in (
            np.zeros((4, 4), "uint8"),
            np.zeros((4, 4, 4), "uint8"),
            np.zeros((4, 4, 3), "float32"),
        ):
            with pytest.raises(ValueError, match="uint8 array"):
                palette.to_ids(wrong)


def test_many_masks_give_one_report():
    palette, unlisted = Palette([(0, 0, 0)]), UnlistedColors()
    for index in range(10):
        rgb = np.full((2, 2, 3), 20 + index % 3, "uint8")
        palette.to_ids(rgb, unlisted, f"mask_{index}.png")
    assert unlisted.counts == {
        (20, 20, 20): 16,
        (21, 21, 21): 12,
        (22, 22, 22): 12,
    }
    with pytest.warns(UnlistedColorWarning, match="40 pixels") as caught:
        unlisted.warn()
    assert len(caught) == 1
    assert "and 5 more" in str(caught[0].message)


class TestTolerance:
    COLORS = [(0, 0, 0), (200, 30, 30)]

    def test_near_colours_are_the_nearest_class(self):
        palette = Palette(
            self.COLORS, void_colors=[(250, 250, 250)], tolerance=20
        )
        rgb = [[8, 9, 20], [190, 40, 25], [240, 255, 250], [0, 0, 21]]
        with pytest.warns(UnlistedColorWarning, match=r"\(0, 0, 21\): 1"):
            ids = palette.to_ids(np.array([rgb], "uint8"))
        assert ids.tolist() == [[0, 1, 255, 255]]

    def test_a_jpeg_of_colours_is_read_as_drawn(self, tmp_path):
        ids = np.zeros((64, 64), "uint8")
        ids[20:, 30:] = 1
        rgb = np.array(self.COLORS, "uint8")[ids]
        keras.utils.save_img(tmp_path / "a.jpg", rgb, scale=False)
        palette = Palette(self.COLORS, tolerance=100)
        read = read_mask(tmp_path / "a.jpg", palette=palette)
        assert (read != ids).mean() < 0.01

    def test_many_unlisted_colours_hint_at_it(self):
        rgb = np.zeros((1, 12, 3), "uint8")
        rgb[..., 0] = np.arange(12)
        with pytest.warns(UnlistedColorWarning, match="tolerance=30"):
            Palette(self.COLORS).to_ids(rgb)

    @pytest.mark.parametrize("tolerance", [-1, 256, 1.5])
    def test_others_are_refused(self, tolerance):
        with pytest.raises(ValueError, match="`tolerance`"):
            Palette(self.COLORS, tolerance=tolerance)
