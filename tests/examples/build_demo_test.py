"""The files beside the browser page are those that it loads."""

import json

import numpy as np
import pytest
import rasterio
import yaml

from examples import build_demo
from keras_rsseg.errors import ArgumentError
from tests.scenes.exported.onnx_files import make_facts
from tests.scenes.exported.onnx_files import write_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def runtime(tmp_path):
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in build_demo.RUNTIME_FILES:
        (folder / name).write_text(name)
    return folder


def test_folder_has_all_that_the_page_asks_for(tmp_path, runtime):
    facts = make_facts(image_size=(32, 32), batch_size=1)
    file = write_onnx(tmp_path / "m.onnx", facts)
    page = tmp_path / "page"
    build_demo.main(
        [str(page), "--model", str(file), "--runtime", str(runtime), "--space"]
    )
    names = {str(path.relative_to(page)) for path in page.rglob("*.*")}
    assert names == {
        *("index.html", "style.css", "page.js", "worker.js", "map.js"),
        *("model.onnx", "model.json", "sample.json", "harbour.png"),
        *(f"ort/{name}" for name in build_demo.RUNTIME_FILES),
        "README.md",
    }
    told = json.loads((page / "model.json").read_text())
    assert told["class_names"] == ["dark", "grey", "bright"]
    assert (told["tile_size"], told["overlap"]) == (32, 8)
    sample = json.loads((page / "sample.json").read_text())
    # A little more than stated, which determines the size of the grid.
    assert sample["pixel_size"] == pytest.approx(0.2500193, abs=1e-6)
    # The card of a Space: facts between two lines of dashes.
    card = (page / "README.md").read_text().split("---\n")
    assert yaml.safe_load(card[1])["sdk"] == "static"
    # It can be built again.
    build_demo.write_page(page, runtime)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_sample_has_the_pixels_of_the_scene(tmp_path):
    build_demo.write_sample(tmp_path, build_demo.SAMPLE)
    with (
        rasterio.open(tmp_path / "harbour.png") as found,
        rasterio.open(build_demo.SAMPLE) as expected,
    ):
        np.testing.assert_array_equal(found.read(), expected.read())


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": None},
        {"data_format": "channels_first"},
        {"output": "probabilities"},
        {"input_scale": 255.0},
        {"bands": 4},
        {"image_size": (32, 64)},
    ],
)
def test_files_that_the_page_does_not_know_are_refused(
    tmp_path, monkeypatch, changes
):
    facts = make_facts(**{"image_size": (32, 32), "batch_size": 1, **changes})

    class Loaded:
        pass

    Loaded.facts = facts
    monkeypatch.setattr(
        build_demo.keras_rsseg.scenes, "load_exported", lambda _: Loaded
    )
    with pytest.raises(ArgumentError, match="takes one RGB tile"):
        build_demo.write_model(tmp_path, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
