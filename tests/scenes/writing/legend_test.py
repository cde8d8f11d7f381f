"""Names and colours that a map shows."""

import pytest

from keras_rsseg.data.palette import Palette
from keras_rsseg.scenes.writing.legend import Legend


class TestLegend:
    def test_what_is_missing_is_made_up(self):
        legend = Legend()
        legend.complete(20)
        assert legend.names[:2] == ["class_0", "class_1"]
        assert len(set(legend.colors)) == 20
        assert all(0 <= c <= 255 for color in legend.colors for c in color)

    def test_what_is_given_is_kept(self):
        colors = [(0, 0, 0), (255, 9, 1)]
        for palette in (colors, Palette(colors)):
            legend = Legend(("land", "water"), palette)
            legend.complete(2)
            assert legend.names == ["land", "water"]
            assert legend.colors == colors
        assert legend.colormap() == {
            0: (0, 0, 0, 255),
            1: (255, 9, 1, 255),
            255: (0, 0, 0, 0),
        }

    def test_void_is_transparent_before_classes_are_known(self):
        assert Legend().colormap() == {255: (0, 0, 0, 0)}

    @pytest.mark.parametrize(
        "arguments, match",
        [
            ((["a", "a"],), "name a class twice"),
            ((["a", "b"], [(0, 0, 0)]), "`class_names` 2, `palette` 1"),
            ((["a", "b"], None, 3), "`class_names` 2, the model 3"),
            ((None, [(0, 0, 256)]), "0 to 255"),
            ((None, [(0, 0)]), "r, g, b"),
        ],
    )
    def test_what_disagrees(self, arguments, match):
        with pytest.raises(ValueError, match=match):
            Legend(*arguments)

    def test_a_model_of_other_classes(self):
        with pytest.raises(ValueError, match="returned 3 classes.*tell of 2"):
            Legend(["a", "b"]).complete(3)
