"""`keras-rsseg info` of scenes, presets and maps."""

import pathlib
import re

import pytest

import keras_rsseg
from keras_rsseg.scenes import predict_scene
from tests.cli.commands import check_error
from tests.cli.commands import run
from tests.cli.predict_models import Model
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARBOUR = ROOT / "examples" / "data" / "harbour.tif"


def rows(text):
    """`{head: text}` of the lines that have both."""
    found = re.findall(r"^  (\S.*?)  +(.*)$", text, re.MULTILINE)
    return {head: value for head, value in found}


class TestScenes:
    def test_what_it_is_and_what_predict_would_do(self):
        result = run("info", HARBOUR)
        assert result.exit_code == 0, result.output
        told = rows(result.stdout)
        assert told["size"].startswith("1,000 x 1,000 pixels")
        assert told["pixel size"] == "0.25 m (250 m x 250 m)"
        assert told["reference system"].startswith("EPSG:28992")
        assert told["bands"] == "3 of uint8: red, green, blue"
        assert told["no data"] == "not marked"
        assert told["wants pixel size"] == "0.8 m"
        assert "read at: 313 x 313 pixels" in result.stdout
        last = result.stdout.splitlines()[-1]
        assert last == (
            f"keras-rsseg predict {HARBOUR} --output harbour_classes.tif"
        )

    def test_signs_of_no_data(self, tmp_path):
        path = write_scene(tmp_path / "a.tif", random_scene(20, 30), nodata=7)
        told = rows(run("info", path).stdout)
        assert told["no data"] == "where the value is 7"

    def test_what_is_missing_is_said(self, tmp_path):
        path = write_scene(tmp_path / "a.tif", random_scene(20, 30)[:2])
        result = run("info", path)
        assert result.exit_code == 0
        assert "It would fail: " in result.stdout
        assert "keras-rsseg predict" not in result.stdout

    def test_without_a_place(self, tmp_path):
        path = write_scene(
            tmp_path / "a.tif", random_scene(20, 30), crs=None, transform=None
        )
        told = rows(run("info", path).stdout)
        assert told["pixel size"].startswith("unknown: give --pixel-size")

    def test_another_preset(self):
        name = "hrnet_ifwm_w18_land_cover"
        result = run("info", HARBOUR, "--preset", name)
        assert f"mapped with {name}" in result.stdout
        assert f"--preset {name} --output" in result.stdout


class TestPresets:
    def test_by_name(self):
        name = keras_rsseg.DEFAULT_PRESET
        result = run("info", name)
        assert result.exit_code == 0
        told = rows(result.stdout)
        assert told["network"] == "PFNet"
        assert told["pixel size (m)"] == "0.8"
        assert "comes with the package" in result.stdout
        assert re.search(r"water +IoU 0\.\d{3} dubai", result.stdout)
        # It fits on a screen.
        assert len(result.stdout.splitlines()) <= 40

    def test_by_folder(self):
        folder = ROOT / "keras_rsseg" / "presets" / "hrnet_ifwm_w18_land_cover"
        result = run("info", folder)
        assert result.exit_code == 0, result.output
        assert "a folder; " in result.stdout
        assert "water" in result.stdout

    def test_one_that_has_to_be_made(self):
        result = run("info", "pfnet_r50_isaid")
        assert "not published" in result.stdout
        assert "storage_tank" in result.stdout


def test_a_map(tmp_path):
    path = write_scene(tmp_path / "a.tif", random_scene(20, 30))
    model = Model()
    predict_scene(model, path, tmp_path / "map.tif", progress=False)
    result = run("info", tmp_path / "map.tif")
    assert result.exit_code == 0, result.output
    assert "map.tif: a class map" in result.stdout
    assert "classes (100.0% of the map is valid)" in result.stdout
    told = rows(result.stdout)
    assert told["network"] == "Model"
    assert told["tiles"] == "512 pixels"
    shares = re.findall(r"([\d.]+)%$", result.stdout, re.MULTILINE)
    assert sum(map(float, shares)) == pytest.approx(100, abs=0.3)


def test_a_slip_in_a_name():
    check_error(run("info", "pfnet_r50_isiad"), "Did you mean pfnet_r50_isaid")
    check_error(run("info", "nowhere.tif"), "no file or preset")


def test_it_loads_no_framework():
    import subprocess
    import sys

    code = (
        "import sys; from tests.cli.commands import run\n"
        f"assert run('info', {str(HARBOUR)!r}).exit_code == 0\n"
        "print({'tensorflow', 'keras', 'torch', 'jax'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"
