"""`--dry-run`: what a run will cost, without a model, a map or a wait."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from rasterio.transform import Affine

import keras_rsseg
from keras_rsseg.cli.dry_run import format_bytes
from keras_rsseg.hub.registry import embedded_folder
from keras_rsseg.hub.registry import registered_presets
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes import predict_scene
from keras_rsseg.scenes.predicting.scene_estimate import estimate_scene
from tests.cli.commands import check_error
from tests.cli.commands import run
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene


@pytest.fixture
def preset(tmp_path):
    """The files of the embedded preset, without weights."""
    name = keras_rsseg.DEFAULT_PRESET
    folder = embedded_folder(registered_presets()[name]["handle"])
    copy = tmp_path / "preset"
    copy.mkdir()
    for path in folder.glob("*.json"):
        shutil.copy(path, copy)
    return copy


def change(preset, name, value):
    path = preset / "task.json"
    task = json.loads(path.read_text())
    task["config"][name] = value
    path.write_text(json.dumps(task))


class TestOneScene:
    def test_what_is_printed(self, tmp_path, scene, preset):
        before = sorted(tmp_path.rglob("*"))
        result = run(
            *("predict", scene, "--output", tmp_path / "map.tif"),
            *("--preset", preset, "--gsd", "0.25", "--tta", "flips"),
            *("--probabilities", tmp_path / "prob.tif", "--dry-run"),
        )
        assert result.exit_code == 0, result.output
        lines = [line.strip() for line in result.stdout.splitlines()]
        assert "map: 90 x 70 pixels" in lines
        assert "read at: 180 x 140 pixels" in lines
        assert "tiles: 1 of 512 x 512 pixels, 4 times each" in lines
        assert f"pixels through the model: {4 * 512**2:,}" in lines
        # One band of classes, five of probabilities, and a third more.
        assert any("disk: at most 49.2 KiB" in line for line in lines)
        assert any(line.startswith("memory: about") for line in lines)
        assert sorted(tmp_path.rglob("*")) == before

    @pytest.mark.parametrize(
        "flags, message",
        [
            (["--bands", "7"], "--bands"),
            (["--area", "POLYGON ((0 0, 1 0, 1 1, 0 0))"], "area"),
            (["--polygons", "no/map.gpkg"], "no folder no"),
            (["--nodata", "300"], "--nodata"),
            (["--preset", "nonsense"], "nonsense"),
        ],
    )
    def test_checks_are_those_of_a_run(self, tmp_path, scene, flags, message):
        output = ["--output", tmp_path / "map.tif"]
        result = run("predict", scene, *output, *flags, "--dry-run")
        check_error(result, message)

    def test_facts_of_the_preset(self, tmp_path, scene, preset):
        arguments = ["predict", scene, "--output", tmp_path / "map.tif"]
        arguments += ["--preset", preset, "--dry-run"]
        assert run(*arguments).exit_code == 0
        change(preset, "palette", [[0, 0, 300]] * 5)
        check_error(run(*arguments), "palette")
        change(preset, "palette", [[0, 0, 3]] * 4)
        check_error(run(*arguments), "one entry per class")
        for damaged in ("[]", "{", '{"config": 3}', "[" * 100_000):
            (preset / "task.json").write_text(damaged)
            check_error(run(*arguments), "task.json")

    def test_a_scene_that_is_too_coarse(self, tmp_path):
        scene = write_scene(
            *(tmp_path / "scene.tif", random_scene(40, 56)),
            transform=Affine(10, 0, 500_000, 0, -10, 5_000_000),
        )
        arguments = ["predict", scene, "--output", tmp_path / "map.tif"]
        check_error(run(*arguments, "--dry-run"), "156 times as many")
        result = run(*arguments, "--dry-run", "--gsd", "0.8")
        assert "read at: 700 x 500 pixels" in result.stdout

    def test_existing_files(self, tmp_path, scene):
        output = tmp_path / "map.tif"
        output.write_bytes(b"x")
        arguments = ["predict", scene, "--output", output, "--dry-run"]
        check_error(run(*arguments), "--overwrite")
        assert run(*arguments, "--overwrite").exit_code == 0
        assert output.read_bytes() == b"x"


class TestSeveralScenes:
    def test_all_are_told(self, tmp_path):
        folder = tmp_path / "in"
        folder.mkdir()
        write_scene(folder / "a.tif", random_scene(70, 90))
        write_scene(folder / "b.tif", random_scene(70, 90))
        output = tmp_path / "maps"
        arguments = ["predict", folder, "--output", output, "--dry-run"]
        result = run(*arguments, "--polygons", ".gpkg")
        assert result.exit_code == 0, result.output
        assert "2 of 2 scenes: 2 tiles" in result.stdout
        write_scene(folder / "c.tif", random_scene(7, 9)[:2])
        result = run(*arguments)
        assert result.exit_code == 3
        assert "2 of 3 scenes" in result.stdout
        assert f"Will fail: {folder / 'c.tif'}" in result.output
        assert not output.exists()


def test_no_framework_is_loaded(tmp_path, scene, preset):
    """They take most of a command's ten seconds."""
    script = (
        "import sys\n"
        "from keras_rsseg.cli import app\n"
        "try:\n    app(sys.argv[1:])\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "known = {'keras', 'keras_hub', 'tensorflow', 'jax', 'torch'}\n"
        "assert not known & set(sys.modules), known & set(sys.modules)\n"
    )
    arguments = ["predict", scene, "--output", tmp_path / "map.tif"]
    arguments += ["--preset", preset, "--dry-run"]
    child = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert child.returncode == 0, child.stderr


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"overlap": 0},
        {"ground_sample_distance": 1.1},
        {"test_time_augmentation": "flips", "scales": (1, 2)},
        {"strip_height": 16, "batch_size": 1},
    ],
)
def test_an_estimate_is_what_a_run_needs(tmp_path, options):
    scene = write_scene(tmp_path / "scene.tif", random_scene(130, 110))
    options = {"tile_size": 32, "batch_size": 1, **options}
    seen = []

    def model(tiles):
        seen.append(len(np.asarray(tiles)))
        return threshold_model(tiles)

    estimate = estimate_scene(model, scene, SceneOptions(**options))
    assert not seen
    predict_scene(model, scene, tmp_path / "map.tif", progress=False, **options)
    assert sum(seen) == estimate.tiles * estimate.views
    assert estimate.size == (130, 110)
    assert (tmp_path / "map.tif").stat().st_size < estimate.disk + 5000


def test_numbers_of_bytes():
    assert format_bytes(0) == "0 bytes"
    assert format_bytes(1023) == "1023 bytes"
    assert format_bytes(1536) == "1.5 KiB"
    assert format_bytes(5 << 60) == "5120.0 PiB"
