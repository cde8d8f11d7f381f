"""Names and colours travel with a preset, and a trained head is not lost."""

import types

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.errors import ArgumentError
from keras_rsseg.models.preset_classes import arguments_of
from keras_rsseg.rasters.opener import open_raster
from tests.models.segmenter_test import make_model
from tests.models.segmenter_tester import for_few_steps

NAMES = ["water", "road", "land"]
COLORS = [(0, 0, 255), (9, 9, 9), (0, 255, 0)]
TILES = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), "uint8")


class Palette:
    """Like `keras_rsseg.data.Palette`, which needs TensorFlow."""

    def __init__(self, colors, names=None):
        self.colors, self.names = colors, names


TWO = Palette([(255, 255, 255), (0, 0, 200)], ["ground", "roof"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes") / "tiny"
    model = make_model(
        class_names=NAMES,
        palette=COLORS,
        display_palette=[(1, 1, 1), (2, 2, 2), (3, 3, 3)],
    )
    model.save_to_preset(folder)
    return folder


def logits(task):
    return for_few_steps(task).predict_on_batch(TILES)


def legend(task):
    return task.class_names, task.palette, task.display_palette


class TestOtherClasses:
    def test_number_names_and_colours_at_once(self, folder, caplog):
        task = keras_rsseg.from_preset(folder, classes=TWO)
        assert task.num_classes == 2
        assert legend(task) == (TWO.names, TWO.colors, None)
        (said,) = caplog.messages
        assert "for 3 classes (water, road, land)" in said
        assert "random one for 2" in said and str(folder) in said

    def test_names_and_colours_without_a_number(self, folder):
        task = keras_rsseg.from_preset(
            folder, class_names=TWO.names, palette=TWO.colors
        )
        assert task.num_classes == 2
        assert legend(task) == (TWO.names, TWO.colors, None)

    def test_a_number_alone_has_no_names(self, folder, caplog):
        task = keras_rsseg.from_preset(folder, num_classes=4)
        assert task.num_classes == 4 and legend(task) == (None, None, None)
        assert len(caplog.messages) == 1

    def test_nothing_is_lost_where_nothing_was_loaded(self, folder, caplog):
        keras_rsseg.from_preset(folder, load_weights=False, classes=TWO)
        assert not caplog.messages

    def test_names_travel_through_training_to_the_map(self, folder, tmp_path):
        task = keras_rsseg.from_preset(folder, classes=TWO)
        task.save_to_preset(tmp_path / "mine")
        task = keras_rsseg.from_preset(tmp_path / "mine")
        keras.utils.save_img(tmp_path / "scene.png", TILES[0], scale=False)
        keras_rsseg.predict_scene(
            task,
            tmp_path / "scene.png",
            tmp_path / "map.tif",
            tile_size=32,
            progress=False,
        )
        with open_raster(tmp_path / "map.tif") as dataset:
            colors = dataset.colormap(1)
            tags = str(dataset.tags(1)) + str(dataset.tags())
        assert [colors[i][:3] for i in range(2)] == TWO.colors
        assert "ground" in tags and "roof" in tags


class TestTheSameNumber:
    """The trained head is kept."""

    @pytest.mark.parametrize(
        "arguments",
        [
            {"num_classes": 3},
            {"classes": NAMES},
            {"classes": Palette(COLORS)},
            {"classes": dict(zip(NAMES, COLORS, strict=True))},
        ],
    )
    def test_of_the_preset_itself(self, folder, caplog, arguments):
        expected = keras_rsseg.from_preset(folder)
        task = keras_rsseg.from_preset(folder, **arguments)
        assert (task.class_names, task.palette) == (NAMES, COLORS)
        np.testing.assert_array_equal(logits(task), logits(expected))
        assert not caplog.messages

    def test_colours_of_maps_stay_with_the_names(self, folder):
        task = keras_rsseg.from_preset(folder, num_classes=3)
        assert task.display_palette[0] == (1, 1, 1)

    def test_names_in_another_language(self, folder):
        names = ["Wasser", "Weg", "Land"]
        task = keras_rsseg.from_preset(folder, class_names=names)
        assert (task.class_names, task.palette) == (names, COLORS)
        expected = logits(keras_rsseg.from_preset(folder))
        np.testing.assert_array_equal(logits(task), expected)

    def test_own_names_in_another_order(self, folder):
        """Otherwise water would be called land."""
        task = keras_rsseg.from_preset(folder, classes=NAMES[::-1])
        assert task.class_names == NAMES[::-1]
        assert task.palette == COLORS[::-1]
        assert task.display_palette[0] == (3, 3, 3)
        expected = logits(keras_rsseg.from_preset(folder))[..., ::-1]
        np.testing.assert_allclose(logits(task), expected, atol=1e-6)

    def test_with_another_band(self, folder):
        bands = ("red", "green", "blue", "nir")
        task = keras_rsseg.from_preset(folder, bands=bands, classes=NAMES[::-1])
        expected = keras_rsseg.from_preset(folder, bands=bands)
        np.testing.assert_array_equal(
            task.classifier.get_weights()[0],
            expected.classifier.get_weights()[0][..., ::-1],
        )


class TestWhatClassesAre:
    def test_facts_of_a_data_set(self):
        facts = types.SimpleNamespace(
            class_names=("a", "b"),
            palette=None,
            display_palette=[(1, 2, 3)] * 2,
        )
        assert arguments_of(facts) == {
            "num_classes": 2,
            "class_names": ["a", "b"],
            "palette": None,
            "display_palette": [(1, 2, 3)] * 2,
        }

    @pytest.mark.parametrize("classes", [3, "roof", None, [], {}])
    def test_none(self, classes):
        with pytest.raises(ArgumentError, match="`classes` must"):
            arguments_of(classes)

    @pytest.mark.parametrize("name", ["num_classes", "class_names", "palette"])
    def test_said_twice(self, folder, name):
        with pytest.raises(ArgumentError, match=f"the same as {name}"):
            keras_rsseg.from_preset(folder, classes=TWO, **{name: 2})

    @pytest.mark.parametrize("number", [0, -1, True, "2", 256])
    def test_number_that_is_none(self, folder, number):
        with pytest.raises(ArgumentError, match="`num_classes`"):
            keras_rsseg.from_preset(folder, num_classes=number)
