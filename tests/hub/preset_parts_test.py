"""Parts of a task come from presets, and go into them, as safely as tasks."""

import json
import shutil

import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.errors import PresetError
from keras_rsseg.models import HRNetBackbone
from keras_rsseg.models import HRNetImageConverter
from keras_rsseg.models import HRNetPreprocessor
from keras_rsseg.models import PFNetBackbone
from tests.hub.tiny_preset import make_task

CLASSES = (HRNetBackbone, HRNetPreprocessor, HRNetImageConverter)
BACKBONE = ("model.weights.h5", "config.json")


@pytest.fixture
def folder(preset, tmp_path):
    return shutil.copytree(preset, tmp_path / "copy")


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def test_parts_of_a_task(preset):
    task = keras_rsseg.from_preset(preset)
    backbone, preprocessor, converter = (
        cls.from_preset(preset) for cls in CLASSES
    )
    for ours, theirs in zip(
        backbone.get_weights(), task.backbone.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert converter.bands == task.bands
    np.testing.assert_allclose(
        preprocessor.image_converter.get_config()["scale"],
        converter.get_config()["scale"],
    )


@pytest.mark.parametrize(
    "cls, name",
    [
        *((HRNetBackbone, name) for name in BACKBONE),
        (HRNetPreprocessor, "preprocessor.json"),
        (HRNetImageConverter, "image_converter.json"),
    ],
)
def test_files_that_are_not_what_was_saved(folder, cls, name):
    flip(folder / name)
    with pytest.raises(PresetError, match=name) as error:
        cls.from_preset(folder)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize("cls", CLASSES)
def test_classes_that_run_code(folder, cls):
    (folder / "metadata.json").write_text("{}")  # of earlier versions
    for name in ("config.json", "preprocessor.json", "image_converter.json"):
        content = json.loads((folder / name).read_text())
        content["config"]["x"] = {"class_name": "Lambda", "config": {}}
        (folder / name).write_text(json.dumps(content))
    with pytest.raises(PresetError, match="runs code"):
        cls.from_preset(folder)


@pytest.mark.parametrize("cls", CLASSES)
def test_no_preset(cls, tmp_path):
    with pytest.raises(PresetError, match="a folder that `save_to_preset"):
        cls.from_preset(tmp_path / "nothing")


def test_another_backbone(preset):
    with pytest.raises(PresetError, match="cannot be loaded as PFNetBackbone"):
        PFNetBackbone.from_preset(preset)


class TestSaved:
    def test_a_backbone_appears_whole(self, tmp_path, monkeypatch):
        backbone = make_task().backbone
        place = tmp_path / "backbone"
        backbone.save_to_preset(place)
        assert "sha256" in json.loads((place / "metadata.json").read_text())
        kept = {path.name: path.read_bytes() for path in place.iterdir()}
        other = make_task().backbone
        monkeypatch.setattr(
            type(other), "save_weights", lambda *args, **kwargs: 1 / 0
        )
        with pytest.raises(ZeroDivisionError):
            other.save_to_preset(place)
        left = {path.name: path.read_bytes() for path in place.iterdir()}
        assert left == kept
        flip(place / "model.weights.h5")
        with pytest.raises(PresetError, match="SHA-256"):
            HRNetBackbone.from_preset(place)

    def test_a_part_that_contradicts_the_task(self, folder):
        converter = HRNetImageConverter.from_preset(folder)
        converter.ground_sample_distance = 2.0
        converter.save_to_preset(folder)
        # The task's own file contradicts it, and either could be right.
        for load in (keras_rsseg.from_preset, HRNetImageConverter.from_preset):
            with pytest.raises(PresetError, match="contradicts"):
                load(folder)

    def test_a_part_beside_damaged_others(self, folder):
        converter = HRNetImageConverter.from_preset(folder)
        flip(folder / "model.weights.h5")
        converter.save_to_preset(folder)
        with pytest.raises(PresetError, match=r"model\.weights\.h5"):
            HRNetBackbone.from_preset(folder)

    def test_parts_one_after_the_other(self, tmp_path):
        task = make_task()
        task.backbone.save_to_preset(tmp_path)
        task.preprocessor.save_to_preset(tmp_path)
        names = {path.name for path in tmp_path.iterdir()}
        assert {"config.json", "preprocessor.json"} <= names
        assert HRNetPreprocessor.from_preset(tmp_path).image_converter.bands
        assert HRNetBackbone.from_preset(tmp_path).count_params()
