"""Swatches are pictures that others can read."""

import types

import rasterio

from keras_rsseg.hub.card_pictures import swatches


def test_swatches_are_in_the_colours_of_the_classes():
    task = types.SimpleNamespace(palette=[(1, 2, 3), (255, 0, 9)])
    files = swatches(task)
    assert list(files) == ["swatches/010203.png", "swatches/ff0009.png"]
    for name, color in zip(files, task.palette, strict=True):
        with rasterio.MemoryFile(files[name], ext=".png") as memory:
            pixels = memory.open().read()
        assert pixels.shape == (3, 16, 16)
        assert tuple(pixels[:, 5, 5]) == color
        assert (pixels == pixels[:, :1, :1]).all()


def test_classes_without_colours_have_none():
    assert swatches(types.SimpleNamespace(palette=None)) == {}
