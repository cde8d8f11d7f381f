"""Models to files and back, in all installed formats."""

import json
import sys

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import ExportError
from keras_rsseg.errors import MissingPackageError
from keras_rsseg.export import Difference
from keras_rsseg.export import export_model
from keras_rsseg.scenes import load_exported
from keras_rsseg.scenes import predict_scene
from keras_rsseg.systems import SYSTEMS
from tests.export.tiny_models import make_model
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import write_scene

NEEDED = {
    ".onnx": ("onnx", "onnxruntime", "tf2onnx"),
    ".tflite": ("ai_edge_litert",),
    ".xml": ("onnx", "tf2onnx", "openvino"),
    "": (),
}
on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="other backends go through a process on TensorFlow",
)


def need(ending):
    for package in NEEDED[ending]:
        pytest.importorskip(package)


@pytest.fixture(scope="module")
def model():
    return make_model("SemanticFPN")


# Each traces a network and converts its graph.
@pytest.mark.slow
@on_tensorflow
class TestFormats:
    @pytest.mark.parametrize("system", SYSTEMS)
    def test_onnx_of_every_system(self, tmp_path, system):
        need(".onnx")
        task = make_model(system)
        result = export_model(task, tmp_path / "m.onnx", 64, verbose=False)
        assert result.difference <= 1e-4

    @pytest.mark.parametrize("ending", NEEDED)
    def test_pfnet_in_every_format(self, tmp_path, ending):
        need(ending)
        task = make_model("PFNet")
        path = tmp_path / f"m{ending}"
        result = export_model(task, path, 64, verbose=False)
        assert result.path == path and result.difference <= 1e-4
        loaded = load_exported(path)
        assert loaded.class_names == ["land", "road", "water"]
        assert loaded.facts.difference == result.difference
        tiles = np.random.default_rng(5).integers(0, 256, (2, 64, 64, 3))
        expected = task.predict_on_batch(tiles.astype("uint8"))
        actual = loaded.predict_on_batch(tiles.astype("uint8"))
        # A point may be another one, the picture is the same.
        assert (actual.argmax(-1) == expected.argmax(-1)).mean() > 0.9

    def test_any_size_and_number(self, tmp_path):
        need(".onnx")
        task = make_model("SemanticFPN")
        path = tmp_path / "m.onnx"
        result = export_model(
            task, path, 64, dynamic=True, batch_size=None, verbose=False
        )
        sizes = [each.tiles for each in result.differences]
        assert sizes == ["random", "picture", "picture of 97 x 71"]
        loaded = load_exported(path)
        for shape in [(3, 33, 65, 3), (1, 128, 96, 3)]:
            tiles = np.random.default_rng(0).uniform(0, 255, shape)
            expected = task.predict_on_batch(tiles.astype("float32"))
            actual = loaded.predict_on_batch(tiles)
            far = np.abs(actual - expected).max()
            assert far < 1e-5 * np.abs(expected).max()

    def test_pfnet_of_any_size(self, tmp_path):
        """Points that are left out are NaN in between, and stay there."""
        need(".onnx")
        task = make_model("PFNet")
        path = tmp_path / "m.onnx"
        export_model(task, path, 64, dynamic=True, verbose=False)
        loaded = load_exported(path)
        for shape in [(1, 97, 71, 3), (1, 64, 96, 3)]:
            tiles = np.random.default_rng(0).uniform(0, 255, shape)
            expected = task.predict_on_batch(tiles.astype("float32"))
            actual = loaded.predict_on_batch(tiles)
            assert np.isfinite(actual).all()
            # A point may be another one, the picture is the same.
            assert (actual.argmax(-1) == expected.argmax(-1)).mean() > 0.9

    # LiteRT leaves arrays as small as these float32 with int8, and OpenVINO's
    # description is longer than they are: `benchmarks/EXPORTS.md` has both.
    @pytest.mark.parametrize(
        "weights, ending",
        [("float16", ".onnx"), ("int8", ".onnx"), ("float16", ".tflite")],
    )
    def test_shorter_weights_make_a_smaller_file(
        self, tmp_path, model, weights, ending
    ):
        need(ending)
        full, short = (tmp_path / f"{name}{ending}" for name in "fs")
        large = export_model(model, full, 64, verbose=False)
        small = export_model(model, short, 64, weights=weights, verbose=False)
        assert small.size < large.size
        assert 1e-6 < small.difference < 0.1
        assert load_exported(short).facts.weights == weights


@on_tensorflow
class TestMaps:
    def test_map_of_the_file_is_that_of_the_model(self, tmp_path, model):
        need(".onnx")
        scene = write_scene(tmp_path / "s.tif", random_scene(90, 70))
        path = tmp_path / "m.onnx"
        export_model(model, path, 64, tiles=scene, verbose=False)
        options = {"tile_size": 64, "progress": False}
        maps = []
        for each, name in ((model, "a.tif"), (load_exported(path), "b.tif")):
            predict_scene(each, scene, tmp_path / name, **options)
            maps.append(read_map(tmp_path / name)[0])
        assert np.mean(maps[0] != maps[1]) < 1e-3

    def test_file_for_qgis(self, tmp_path, model):
        need(".onnx")
        onnxruntime = pytest.importorskip("onnxruntime")
        path = tmp_path / "m.onnx"
        export_model(model, path, 64, target="qgis", verbose=False)
        session = onnxruntime.InferenceSession(path)
        (entry,), (output,) = session.get_inputs(), session.get_outputs()
        assert entry.shape == [1, 3, 64, 64] and output.shape == [1, 3, 64, 64]
        text = session.get_modelmeta().custom_metadata_map
        assert json.loads(text["model_type"]) == "Segmentor"
        assert json.loads(text["seg_thresh"]) == 0
        # As the plugin does it.
        tile = np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8")
        pixels = (tile / 255).astype("float32").transpose(2, 0, 1)[None]
        (found,) = session.run(None, {entry.name: pixels})
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
        expected = model.predict_on_batch(tile[None])[0]
        agree = found[0].argmax(axis=0) == expected.argmax(axis=-1)
        assert agree.mean() > 0.999
        # The file is one of ours, too.
        logits = load_exported(path).predict_on_batch(tile[None])
        assert (logits[0].argmax(-1) == expected.argmax(-1)).mean() > 0.999


@on_tensorflow
class TestFiles:
    def test_nothing_is_replaced_unasked(self, tmp_path, model):
        need(".onnx")
        path = tmp_path / "m.onnx"
        path.write_text("mine")
        with pytest.raises(FileExistsError, match="overwrite=True"):
            export_model(model, path, 64)
        assert path.read_text() == "mine"
        result = export_model(model, path, 64, overwrite=True, verbose=False)
        assert path.stat().st_size == result.size
        assert json.loads(result.stac_item.read_text())["type"] == "Feature"
        names = sorted(each.name for each in tmp_path.iterdir())
        assert names == ["m.onnx", "m.onnx.stac.json"]

    def test_a_file_that_differs_is_not_kept(
        self, tmp_path, model, monkeypatch, capsys
    ):
        need(".onnx")
        far = [Difference("random", 0.5, 0.9, 0.9)]
        # The module; the function has its name, too.
        module = sys.modules["keras_rsseg.export.export_model"]
        monkeypatch.setattr(module, "compare", lambda *_: far)
        with pytest.raises(ExportError, match="so it is not kept"):
            export_model(model, tmp_path / "m.onnx", 64)
        assert not list(tmp_path.iterdir())
        assert "m.onnx, random tiles: largest diff" in capsys.readouterr().out

    def test_a_folder_of_something_else_is_left_alone(self, tmp_path, model):
        folder = tmp_path / "photos"
        folder.mkdir()
        (folder / "one.jpg").touch()
        with pytest.raises(FileExistsError, match="not a SavedModel"):
            export_model(model, folder, 64, overwrite=True)
        assert (folder / "one.jpg").exists()

    def test_without_the_package_nothing_is_written(
        self, tmp_path, model, monkeypatch
    ):
        monkeypatch.setitem(sys.modules, "tf2onnx", None)
        with pytest.raises(MissingPackageError, match=r"rsseg\[export\]"):
            export_model(model, tmp_path / "m.onnx", 64)
        assert not list(tmp_path.iterdir())


def test_what_is_no_task_is_refused(tmp_path):
    with pytest.raises(TypeError, match="must be a task"):
        export_model(lambda tiles: tiles, tmp_path / "m.onnx")


def test_bytes_alone_are_for_qgis(tmp_path):
    cls = keras_rsseg.SemanticFPN.preprocessor_cls
    converter = cls.image_converter_cls(value_range=(0, 10_000))
    task = make_model(
        "SemanticFPN", preprocessor=cls(image_converter=converter)
    )
    with pytest.raises(ArgumentError, match="8-bit images"):
        export_model(task, tmp_path / "m.onnx", target="qgis")
