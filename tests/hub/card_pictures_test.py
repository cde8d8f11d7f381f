"""Swatches are pictures that others can read."""

import io
import types

import numpy as np
import pytest

from keras_rsseg.hub.card_pictures import swatches


def test_swatches_are_in_the_colours_of_the_classes():
    images = pytest.importorskip("PIL.Image")
    task = types.SimpleNamespace(palette=[(1, 2, 3), (255, 0, 9)])
    files = swatches(task)
    assert list(files) == ["swatches/010203.png", "swatches/ff0009.png"]
    for name, color in zip(files, task.palette, strict=True):
        pixels = np.asarray(images.open(io.BytesIO(files[name])))
        assert pixels.shape == (16, 16, 3)
        assert (pixels == color).all()


def test_classes_without_colours_have_none():
    assert swatches(types.SimpleNamespace(palette=None)) == {}
