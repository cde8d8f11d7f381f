"""`python -m keras_rsseg.beam`: its own options, and Beam's after `--`."""

import csv
import importlib
import inspect
import sys

import pytest
import typer

pytest.importorskip("apache_beam")

import keras_rsseg
from keras_rsseg.beam import PredictScenes
from keras_rsseg.beam import run_scenes
from keras_rsseg.beam.__main__ import app
from keras_rsseg.beam.__main__ import main
from keras_rsseg.beam.predict_scenes import BeamOptions
from keras_rsseg.options import fields
from keras_rsseg.scene_options import ScenesOptions
from tests.beam.predict_scenes_test import RUNNER
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene


class Model:
    """A task with known results, in place of a trained one."""

    class_names = ["building", "land", "road", "water"]

    def predict_on_batch(self, tiles):
        return threshold_model(tiles)


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """The loaded presets; two scenes in the working directory."""
    names = []

    def from_preset(name):
        names.append(name)
        return Model()

    monkeypatch.setattr(keras_rsseg, "DEFAULT_PRESET", "small", raising=False)
    monkeypatch.setattr(keras_rsseg, "from_preset", from_preset, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in "ab":
        write_scene(tmp_path / "in" / f"{name}.tif", random_scene(30, 40))
    return names


def run(*arguments):
    """Return the exit code."""
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--", RUNNER])
    return caught.value.code


def test_all_goes_well(tmp_path, loaded, capfd):
    arguments = ["in", "--output", "maps", "--preset", "large"]
    assert run(*arguments, "--preview", ".png", "--tile-size", "16") == 0
    assert set(loaded) == {"large"}
    out = capfd.readouterr().out
    assert "2 scenes: 2 done" in out
    assert "water" in out
    names = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert names == ["a.png", "a.tif", "b.png", "b.tif", "report.csv"]
    assert run(*arguments, "--preview", ".png", "--tile-size", "16") == 0
    assert "2 finished before" in capfd.readouterr().out


def test_exit_codes(tmp_path, loaded, capfd):
    (tmp_path / "in/a.tif").write_text("not a raster")
    assert run("in", "--output", "maps", "--quiet") == 3
    assert capfd.readouterr().out == ""
    with open("maps/report.csv", newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == [
            *("failed", "done")
        ]
    assert run("in", "--output", "none", "--bands", "7") == 1
    count = len(loaded)
    assert run("in", "--output", "maps", "--runner", "FlinkRunner") == 2
    assert run("nothing.tif", "--output", "maps") == 1
    assert len(loaded) == count


def test_the_options_of_scenes():
    """All options of `predict_scenes`, except the fixed ones."""
    function = inspect.signature(run_scenes).parameters
    (command,) = [typer.main.get_command(app)]
    flags = {each.name: each for each in command.params}
    listed = {field.name: field for field in fields(BeamOptions)}
    always = {"resume", "progress"}
    known = {field.name for field in fields(ScenesOptions)} - always
    assert listed.keys() == known | {"unit_blocks"}
    assert list(function)[4:] == list(listed)
    for name, field in listed.items():
        assert function[name].default == field.default
        assert f"\n        {name}: " in run_scenes.__doc__
        assert (name in flags) == (field.flag is not None)
    assert BeamOptions().resume and not BeamOptions().progress
    assert flags.keys().isdisjoint(always)
    with pytest.raises(TypeError, match="PredictScenes.*`tilesize`"):
        PredictScenes(Model, tilesize=3)
    with pytest.raises(ValueError, match="`unit_blocks`"):
        PredictScenes(Model, unit_blocks=0)


def test_without_beam(monkeypatch):
    """An error that says what to install."""
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    for name in list(sys.modules):
        if name.startswith("keras_rsseg.beam"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(keras_rsseg, "beam", raising=False)
    with pytest.raises(ImportError, match=r"keras-rsseg\[beam\]"):
        importlib.import_module("keras_rsseg.beam")
