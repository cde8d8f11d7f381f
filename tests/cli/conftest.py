"""Shared fixtures of the tests of `keras-rsseg predict`."""

import importlib

import pytest

import keras_rsseg
from keras_rsseg.errors import PresetError
from tests.cli.predict_models import Model
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene


@pytest.fixture
def loaded(monkeypatch):
    """The loaded presets."""
    names = []

    def from_preset(name):
        names.append(name)
        if name == "nonsense":
            raise PresetError("Unknown preset 'nonsense'.\nThere are: small")
        return Model()

    for name, value in {
        "DEFAULT_PRESET": "small",
        "from_preset": from_preset,
    }.items():
        monkeypatch.setattr(keras_rsseg, name, value, raising=False)
    return names


@pytest.fixture
def known(monkeypatch, loaded):
    """The loaded presets, whose facts are known beforehand."""
    module = importlib.import_module("keras_rsseg.hub.preset_facts")
    monkeypatch.setattr(module, "read_preset_facts", lambda name: Model())
    return loaded


@pytest.fixture
def scene(tmp_path):
    return write_scene(tmp_path / "scene.tif", random_scene(70, 90))
