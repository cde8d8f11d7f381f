"""Arguments of a run, and what tells one run from another."""

import numpy as np
import pytest

from keras_rsseg.scenes.predicting.run_identity import model_identity
from keras_rsseg.scenes.predicting.scene_options import check_options
from keras_rsseg.scenes.predicting.scene_options import make_products
from keras_rsseg.scenes.predicting.tile_predictor import tile_views


def options_of(**changes):
    arguments = {
        "model": len,
        "tile_size": 32,
        "overlap": None,
        "batch_size": 4,
        "strip_height": 1024,
        "ground_sample_distance": None,
        "value_range": None,
        "test_time_augmentation": None,
        "scales": (1.0,),
    }
    return check_options(**{**arguments, **changes})


def test_defaults():
    options = options_of(tile_size=np.int64(40))
    assert options.overlap == 10
    assert options.stride == 30
    assert options.distance is None
    assert options.view_sizes == [40]


@pytest.mark.parametrize(
    "name, value",
    [
        ("tile_size", 0),
        ("tile_size", True),
        ("batch_size", 2.0),
        ("strip_height", 0),
        ("strip_height", "all"),
        ("overlap", 32),
        ("ground_sample_distance", float("nan")),
        ("ground_sample_distance", "native"),
        ("test_time_augmentation", "rotations"),
        ("scales", (-1,)),
    ],
)
def test_bad_values_are_named(name, value):
    with pytest.raises(ValueError, match=f"`{name}`"):
        options_of(**{name: value})


class Task:
    ground_sample_distance = 0.3

    def __init__(self, weights, preset=None):
        self._weights = [np.array(part, "float32") for part in weights]
        self.preset = preset

    def predict_on_batch(self, tiles):
        return tiles

    def get_weights(self):
        return self._weights


def test_the_models_ground_sample_distance():
    task = Task([])
    auto = options_of(model=task, ground_sample_distance="auto")
    assert auto.distance == 0.3
    assert options_of(model=task).distance is None
    auto = options_of(ground_sample_distance="auto")
    assert auto.distance is None


def test_products_in_their_order():
    paths = {"destination": "a.tif", "uncertainty": "b.tif"}
    products = make_products(paths, "margin", "float16", tile_views(32))
    assert [product.name for product in products] == ["classes", "uncertainty"]
    assert products[0].dtype == "uint8"
    assert (products[1].dtype, products[1].kind) == ("float16", "margin")


@pytest.mark.parametrize(
    "kind, dtype, match",
    [
        ("doubt", "uint8", "uncertainty_kind"),
        ("entropy", "float64", "raster_dtype"),
    ],
)
def test_what_is_not_wanted_is_checked_too(kind, dtype, match):
    with pytest.raises(ValueError, match=match):
        make_products({"destination": "a.tif"}, kind, dtype, tile_views(32))


def test_models_are_told_apart():
    models = [
        Task([[1, 2], [3]]),
        Task([[1, 2], [4]]),
        Task([[1, 2, 3]]),
        Task([[1], [2, 3]]),
        Task([[[1, 2]], [3]]),
        Task([[1, 2], [3]], preset="hrnet_w18_dubai"),
        len,
        model_identity,
        lambda tiles: tiles,
    ]
    identities = [str(model_identity(model)) for model in models]
    assert len(set(identities)) == len(models)
    again = model_identity(Task([[1, 2], [3]]))
    assert str(again) == identities[0]
    assert again["name"] == f"{__name__}.Task"
