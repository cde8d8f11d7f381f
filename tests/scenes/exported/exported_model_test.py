"""Exported files as models of scenes, without a framework."""

import json
import subprocess
import sys

import numpy as np
import pytest
import rasterio

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MissingPackageError
from keras_rsseg.errors import PresetError
from keras_rsseg.scenes import load_exported
from keras_rsseg.scenes import predict_scene
from keras_rsseg.scenes.exported import runtimes
from tests.scenes.exported.onnx_files import answers
from tests.scenes.exported.onnx_files import make_facts
from tests.scenes.exported.onnx_files import write_onnx
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

RNG = np.random.default_rng(0)
TILES = RNG.integers(0, 256, (5, 32, 32, 3), "uint8")


def exported(tmp_path, **changes):
    path = write_onnx(tmp_path / "m.onnx", make_facts(**changes))
    return load_exported(path)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"data_format": "channels_first"},
        {"batch_size": 1},
        {"batch_size": 2, "image_size": (32, 32)},
        {"input_scale": 255.0},
    ],
)
def test_raw_tiles_to_logits_whatever_the_file_takes(tmp_path, changes):
    model = exported(tmp_path, **changes)
    logits = model.predict_on_batch(TILES)
    assert logits.dtype == "float32"
    np.testing.assert_allclose(logits, answers(TILES), rtol=1e-5, atol=1e-5)


def test_probabilities_become_logits_of_the_same_probabilities(tmp_path):
    model = exported(tmp_path, output="probabilities")
    logits = model.predict_on_batch(TILES)
    assert np.isfinite(logits).all()
    expected = np.exp(answers(TILES))
    expected /= expected.sum(-1, keepdims=True)
    np.testing.assert_allclose(np.exp(logits), expected, atol=1e-6)


def test_it_has_the_facts_of_its_model(tmp_path):
    model = exported(tmp_path)
    assert model.class_names == ["dark", "grey", "bright"]
    assert model.palette == [[0, 0, 0], [120, 120, 120], [255, 255, 255]]
    assert model.bands == ["red", "green", "blue"]
    assert (model.num_classes, model.value_range) == (3, (0, 255))
    assert model.ground_sample_distance == 0.5
    assert model.preset == "thresholds"


@pytest.mark.parametrize("shape", [(1, 31, 32, 3), (1, 32, 32, 4), (32, 32, 3)])
def test_tiles_of_another_shape_are_refused(tmp_path, shape):
    model = exported(tmp_path, image_size=(32, 32))
    with pytest.raises(ArgumentError, match=r"shape \(any, 32, 32, 3\)"):
        model.predict_on_batch(np.zeros(shape, "uint8"))


def test_a_tile_size_that_fits_is_named(tmp_path):
    model = exported(tmp_path, image_size=(32, 32))
    with pytest.raises(ArgumentError, match="Give `tile_size=32`, or export"):
        model.predict_on_batch(np.zeros((1, 64, 64, 3), "uint8"))


def test_map_of_a_scene_with_legend(tmp_path):
    pixels = random_scene(50, 70)
    scene = write_scene(tmp_path / "scene.tif", pixels)
    model = exported(tmp_path)
    options = {"tile_size": 32, "progress": False, "resample": "never"}
    result = predict_scene(model, scene, tmp_path / "map.tif", **options)
    assert list(result.class_pixels) == ["dark", "grey", "bright"]
    other = exported(tmp_path, data_format="channels_first", batch_size=1)
    predict_scene(other, scene, tmp_path / "other.tif", **options)
    with (
        rasterio.open(tmp_path / "map.tif") as one,
        rasterio.open(tmp_path / "other.tif") as two,
    ):
        np.testing.assert_array_equal(one.read(), two.read())
        assert one.tags()["preset"] == "thresholds"
        assert one.tags()["model"] == "PFNet"
        # By the bytes of the files, which differ.
        assert one.tags()["run"] != two.tags()["run"]


BLOCKED = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ImportError("blocked: " + name)

sys.meta_path.insert(0, Block())
from keras_rsseg.cli import app
app({arguments})
"""
FRAMEWORKS = (
    "keras",
    "keras_hub",
    "tensorflow",
    "torch",
    "jax",
    "tensorflow_datasets",
)


@pytest.mark.parametrize("dry_run", [True, False])
def test_the_command_imports_no_framework(tmp_path, dry_run):
    facts = make_facts(image_size=(32, 32), ground_sample_distance=None)
    file = write_onnx(tmp_path / "m.onnx", facts)
    scene = write_scene(tmp_path / "scene.tif", random_scene(50, 70))
    arguments = ["predict", scene, "--preset", file, "--tile-size", "32"]
    arguments += ["--output", tmp_path / "map.tif", "--polygons"]
    arguments += [tmp_path / "map.geojson"] + ["--dry-run"] * dry_run
    code = BLOCKED.format(
        names=FRAMEWORKS, arguments=[str(part) for part in arguments]
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "map.tif").exists() != dry_run
    if not dry_run:
        assert "dark" in result.stdout and "bright" in result.stdout


class TestWrongFiles:
    def test_none(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="no exported model"):
            load_exported(tmp_path / "m.onnx")

    def test_another_ending(self, tmp_path):
        with pytest.raises(ArgumentError, match="must end in .onnx"):
            load_exported(tmp_path / "m.keras")

    @pytest.mark.parametrize("content", [b"", b"\x00" * 99, b"<html></html>"])
    def test_damaged(self, tmp_path, content):
        path = tmp_path / "m.onnx"
        path.write_bytes(content)
        with pytest.raises(PresetError, match="m.onnx cannot be loaded"):
            load_exported(path)

    def test_of_something_else(self, tmp_path):
        path = write_onnx(tmp_path / "m.onnx", make_facts(), text="")
        with pytest.raises(PresetError, match="does not state what"):
            load_exported(path)

    def test_of_a_later_version(self, tmp_path):
        values = {**json.loads(make_facts().to_json()), "layout": 9}
        path = tmp_path / "m.onnx"
        write_onnx(path, make_facts(), text=json.dumps(values))
        with pytest.raises(PresetError, match="in layout 9"):
            load_exported(path)

    def test_without_the_package(self, tmp_path, monkeypatch):
        path = write_onnx(tmp_path / "m.onnx", make_facts())
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(MissingPackageError, match=r"keras-rsseg\[onnx\]"):
            load_exported(path)


def test_which_names_are_files_of_this_kind(tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    assert not runtimes.is_exported(folder)
    (folder / "saved_model.pb").touch()
    assert runtimes.is_exported(folder)
    assert runtimes.is_exported("M.ONNX")
    assert not runtimes.is_exported("my_preset")
    assert not runtimes.is_exported("hf://me/my_preset")
