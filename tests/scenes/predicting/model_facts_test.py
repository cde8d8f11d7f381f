"""A model's facts are checked before hours are spent on it."""

import math

import numpy as np
import pytest
from rasterio.transform import Affine

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import SceneError
from keras_rsseg.scenes import predict_scene
from keras_rsseg.scenes.predicting.model_facts import ModelFacts
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene


class Model:
    """A model with facts, which counts its calls."""

    def __init__(self, **facts):
        self.calls = 0
        vars(self).update(facts)

    def predict_on_batch(self, tiles):
        self.calls += 1
        return threshold_model(tiles)


FOUR = [(0, 0, 0), (1, 1, 1), (2, 2, 2), (3, 3, 3)]
NAMES = ["a", "b", "c", "d"]
WRONG = [
    *({"class_names": names} for names in (3, "abcd", [], {"a": 1})),
    {"class_names": ["a", "a", "b", "c"]},
    {"class_names": ["a", " ", "b", "c"]},
    {"class_names": ["a\0", "b", "c", "d"]},
    {"class_names": ["a\x1b[31m", "b", "c", "d"]},
    {"class_names": ["\ud800", "b", "c", "d"]},
    {"class_names": ["a"]},
    {"class_names": [str(index) for index in range(256)]},
    {"class_names": NAMES[:3], "num_classes": 4},
    {"class_names": NAMES, "palette": FOUR[:3]},
    *({"palette": palette} for palette in ("x", 4, [1, 2, 3, 4], [[1, 2]] * 4)),
    {"palette": [*FOUR[:3], (0, 0, 256)]},
    {"display_palette": [*FOUR[:3], (0, 0.5, 0)]},
    {"display_palette": FOUR[:3], "num_classes": 4},
    *({"num_classes": count} for count in ("4", 0, 1, 256, 4.0, True)),
    *({"value_range": value} for value in (3, "ab", (255, 0), (0, math.nan))),
    *({"value_range": value} for value in ((0,), (None, 255), (0, math.inf))),
    *({"ground_sample_distance": each} for each in (0, -1, math.nan, "0.5")),
    *({"ground_sample_distance": each} for each in (math.inf, [1], True)),
    *({"bands": bands} for bands in ("rgb", 0, [1, 2, 3], 3.0, [None] * 3)),
]


@pytest.fixture
def scene(tmp_path):
    return write_scene(tmp_path / "scene.tif", random_scene(40, 40))


def predict(model, scene, **options):
    options = {"tile_size": 32, "progress": False, **options}
    return predict_scene(model, scene, scene.with_name("map.tif"), **options)


@pytest.mark.parametrize("facts", WRONG, ids=str)
def test_wrong_facts(scene, facts):
    model = Model(**facts)
    names = "|".join(facts).replace("display_", "")
    with pytest.raises(ArgumentError, match=names):
        predict(model, scene)
    assert model.calls == 0
    assert list(scene.parent.iterdir()) == [scene]


@pytest.mark.parametrize(
    "facts",
    [
        {"class_names": NAMES, "palette": FOUR, "num_classes": np.int64(4)},
        {"class_names": ("Straße", "море", "森", "a & <b>")},
        {"palette": np.array(FOUR), "display_palette": None},
        {"value_range": [0, 255], "bands": 3},
        {"bands": ("red", "green", "blue"), "ground_sample_distance": 0.5},
        {"class_names": None, "bands": None, "value_range": None},
    ],
    ids=str,
)
def test_right_facts(scene, facts):
    result = predict(Model(**facts), scene)
    ids, _ = read_map(result.destination)
    assert ids.shape == (40, 40)
    names = facts.get("class_names")
    assert names is None or list(result.class_pixels) == list(names)


def test_nothing_need_be_said():
    assert ModelFacts.of(len) == ModelFacts()


class TestUpsampling:
    """A scene far too coarse must not cost a hundred times its pixels."""

    def test_refused_with_the_cost(self, scene):
        model = Model(ground_sample_distance=0.1)
        with pytest.raises(SceneError) as caught:
            predict(model, scene)
        message = str(caught.value)
        assert "200 x 200 pixels" in message and "25 times" in message
        assert "`ground_sample_distance=0.1`" in message
        assert model.calls == 0

    @pytest.mark.parametrize(
        "options",
        [
            {"ground_sample_distance": 0.1},
            {"ground_sample_distance": None},
            {"resample": "never"},
        ],
    )
    def test_ways_out(self, scene, options):
        model = Model(ground_sample_distance=0.1)
        predict(model, scene, **options)
        assert model.calls > 0

    @pytest.mark.parametrize("distance", [0.13, 0.5, 4.0])
    def test_up_to_four_times_it_is_done(self, scene, distance):
        model = Model(ground_sample_distance=distance)
        predict(model, scene)
        assert model.calls > 0

    def test_in_one_direction(self, tmp_path):
        """Degrees in the north: pixels are longer than they are wide."""
        path = write_scene(
            tmp_path / "scene.tif",
            random_scene(40, 40),
            crs="EPSG:4326",
            transform=Affine(1e-5, 0, 8, 0, -1e-5, 70),
        )
        with pytest.raises(SceneError, match="times as many"):
            predict(Model(ground_sample_distance=0.2), path)

    def test_more_than_gdal_can_count(self, scene):
        with pytest.raises(SceneError, match="GDAL"):
            predict(Model(), scene, ground_sample_distance=1e-9)
