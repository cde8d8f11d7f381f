"""The recipes by name are those of the released scripts."""

import pytest

from keras_rsseg.data.paper_augmentation import paper_augmentation


def test_recipes_are_those_of_the_released_scripts():
    isaid, isprs = paper_augmentation("isaid"), paper_augmentation("isprs")
    assert isaid.flip is True and isaid.scale == (1.0, 1.0)
    assert isprs.flip == "horizontal" and isprs.scale == (0.5, 2.0)
    assert isprs.scale_distribution == "uniform"
    for recipe in (isaid, isprs):
        assert recipe.rotate90 and recipe.blur == (0.15, 1.3)
        assert recipe.brightness == recipe.contrast == recipe.haze == 0
    assert paper_augmentation("ifwm").rotate == 180


def test_a_change_leaves_the_rest():
    changed = paper_augmentation("isprs", blur=0, brightness=0.2, seed=4)
    assert changed.blur == (0, 0) and changed.brightness == 0.2
    assert changed.seed == 4 and changed.flip == "horizontal"


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="`name` must be one of"):
        paper_augmentation("loveda")
