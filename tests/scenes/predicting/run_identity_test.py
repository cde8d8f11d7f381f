"""What tells one run from another."""

import dataclasses
from typing import Annotated

import numpy as np
import pytest
import rasterio

from keras_rsseg.options import Option
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes import predict_scene
from keras_rsseg.scenes.predicting import run_identity
from keras_rsseg.scenes.predicting.run_identity import model_identity
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene


class Task:
    def __init__(self, weights, preset=None):
        self._weights = [np.array(part, "float32") for part in weights]
        self.preset = preset

    def predict_on_batch(self, tiles):
        return tiles

    def get_weights(self):
        return self._weights


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


def test_parameters(tmp_path, monkeypatch):
    """A new option counts at once, lest an old map pass for a new one."""
    scene = write_scene(tmp_path / "scene.tif", random_scene(9, 9))
    options = SceneOptions(
        tile_size=64, scales=(0.5, 1), value_range=(0, 2.5), nodata=7
    ).for_model(len)
    known = {
        "tile_size": 64,
        "overlap": 16,
        "bands": "1 2 3",
        "nodata": "7",
        "alpha": "auto",
        "ground_sample_distance": "native",
        "value_range": "0 2.5",
        "test_time_augmentation": "none",
        "view_sizes": "32 64",
    }

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class WithMore(SceneOptions):
        blending: Annotated[str, Option("How tiles are blended")] = "hann"

    with open_raster(scene) as dataset:
        reader = SceneReader(dataset, nodata=7)
        assert run_identity.parameters(reader, options) == known
        more = WithMore.of(options.arguments(SceneOptions))
        monkeypatch.setattr(run_identity, "SceneOptions", WithMore)
        assert run_identity.parameters(reader, more) == {
            **known,
            "blending": "hann",
        }


class TestPrivacy:
    """A published map reveals nothing about the machine it was made on."""

    @pytest.mark.parametrize(
        "preset, told",
        [
            ("/home/ada/presets/mine", "mine"),
            ("presets/mine/", "mine"),
            ("~/mine", "mine"),
            ("file:///home/ada/mine", "mine"),
            ("hrnet_ifwm_w18_land_cover", "hrnet_ifwm_w18_land_cover"),
            ("hf://org/mine@v1", "hf://org/mine@v1"),
        ],
    )
    def test_presets(self, preset, told):
        assert model_identity(Task([[1]], preset))["preset"] == told

    def test_map(self, tmp_path):
        private = tmp_path / "ada"
        maps = []
        for folder in (private / "one", private / "two"):
            folder.mkdir(parents=True)
            scene = write_scene(folder / "scene.tif", random_scene(40, 40))
            model = Task([[1]], str(folder / "preset"))
            predict_scene(
                *(model, scene, folder / "map.tif"),
                tile_size=32,
                progress=False,
                probabilities=folder / "prob.tif",
            )
            for name in ("map.tif", "prob.tif"):
                with rasterio.open(folder / name) as dataset:
                    tags = str(dataset.tags()) + str(dataset.tags(1))
                assert "ada" not in tags and str(tmp_path) not in tags
            maps.append((folder / "map.tif").read_bytes())
            assert str(tmp_path).encode() not in maps[-1]
        assert maps[0] == maps[1]
