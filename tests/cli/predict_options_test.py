"""Each option of `keras-rsseg predict` reaches its destination."""

import inspect
import json

import pytest

import keras_rsseg
from keras_rsseg.cli.predict_options import in_flags
from keras_rsseg.errors import ArgumentError
from tests.cli.commands import check_error
from tests.cli.commands import run
from tests.cli.predict_models import scenes_module


class TestFlags:
    def given(self, tmp_path, scene, monkeypatch, *flags):
        """Return the arguments of `predict_scene`."""
        calls = []

        def note(model, source, destination, **options):
            calls.append(options)
            raise ArgumentError("noted")

        monkeypatch.setattr(scenes_module(), "predict_scene", note)
        output = tmp_path / "map.tif"
        result = run("predict", scene, "--output", output, *flags)
        check_error(result, "noted")
        return calls[0]

    def test_by_default_its_own_defaults(
        self, tmp_path, scene, loaded, monkeypatch
    ):
        given = self.given(tmp_path, scene, monkeypatch, "--quiet")
        parameters = inspect.signature(
            keras_rsseg.scenes.predict_scene
        ).parameters
        assert given.pop("progress") is False
        for name, value in given.items():
            assert value == parameters[name].default, name
        assert parameters.keys() - given.keys() == {
            *("model", "source", "destination", "progress"),
        }

    def test_all_of_them(self, tmp_path, scene, loaded, monkeypatch):
        prob, unsure = tmp_path / "prob.tif", tmp_path / "unsure.tif"
        ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
        field = tmp_path / "field.geojson"
        field.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
        given = self.given(
            *(tmp_path, scene, monkeypatch),
            *("--probabilities", prob, "--uncertainty", unsure),
            *("--uncertainty-kind", "margin", "--raster-dtype", "float16"),
            *("--area", field, "--value-range", "-1,2.5"),
            *("--resample", "never", "--gsd", "native", "--nodata", -9999),
            *("--tta", "flips", "--scales", "0.5,1", "--strip-height", 99),
            *("--resume", "--overwrite", "--overlap", 0, "--batch-size", 7),
            *("--bands", "nir,1", "--alpha", "none", "--crs", "EPSG:25832"),
            *("--pixel-size", 0.2, "--area-crs", "scene", "--no-crop"),
            *("--area-layer", "plots"),
        )
        assert given == {
            "tile_size": 512,
            "overlap": 0,
            "batch_size": 7,
            "bands": ["nir", "1"],
            "nodata": -9999.0,
            "alpha": "none",
            "crs": "EPSG:25832",
            "pixel_size": 0.2,
            "area": str(field),
            "area_crs": "scene",
            "area_layer": "plots",
            "crop": False,
            "ground_sample_distance": None,
            "resample": "never",
            "value_range": (-1.0, 2.5),
            "test_time_augmentation": "flips",
            "scales": (0.5, 1.0),
            "probabilities": prob,
            "uncertainty": unsure,
            "uncertainty_kind": "margin",
            "raster_dtype": "float16",
            # The model's options are the preset's.
            "class_names": None,
            "palette": None,
            "strip_height": 99,
            "resume": True,
            "overwrite": True,
            "progress": True,
        }

    def test_that_cannot_be_read(self, tmp_path, scene, loaded):
        output = tmp_path / "map.tif"
        for flags in [
            ["--scales", "1,big"],
            ["--value-range", "9"],
            ["--bands", "1,,2"],
            ["--gsd", "fine"],
        ]:
            result = run("predict", scene, "--output", output, *flags)
            assert result.exit_code == 2, flags
        assert loaded == []

    def test_files_beside_the_map(self, tmp_path, scene, loaded):
        pytest.importorskip("pyogrio")
        output, vector = tmp_path / "map.tif", tmp_path / "patches.gpkg"
        result = run(
            *("predict", scene, "--output", output, "--style"),
            *("--polygons", vector, "--minimum-area", 2, "--simplify", 1),
        )
        assert result.exit_code == 0, result.output
        style = tmp_path / "map.qml"
        assert style.exists() and vector.exists()
        assert f"Wrote {vector}\nWrote {style}\n" in result.stdout
        result = run(
            *("predict", scene, "--output", tmp_path / "new.tif"),
            *("--polygons", vector),
        )
        check_error(result, "--overwrite")
        assert loaded == ["small"]


def test_attribute_table(tmp_path, scene, loaded):
    output = tmp_path / "map.tif"
    arguments = ["predict", scene, "--output", output, "--attribute-table"]
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert f"Wrote {output}.vat.dbf\n" in result.stdout
    output.unlink()
    check_error(run(*arguments), "map.tif.vat.dbf exists. Give --overwrite")


@pytest.mark.parametrize(
    "told, shown",
    [
        ("Give `overwrite=True` to replace it", "Give --overwrite to replace"),
        ("`ground_sample_distance` must be", "--gsd must be"),
        (
            "with `value_range=(low, high)`, such",
            "--value-range low,high, such",
        ),
        ("give `resample='never'`", "give --resample never"),
        ("give `crop=False`", "give --no-crop"),
        ("Received: overlap=8, tile_size=8", "--overlap 8, --tile-size 8"),
        ("read with `bands=`, by number", "read with --bands, by number"),
        ("`destination` is a folder", "--output is a folder"),
        ("`model` returned 4 classes", "`model` returned 4 classes"),
        ("scales and bands", "scales and bands"),
    ],
)
def test_errors_in_the_callers_words(told, shown):
    assert shown in in_flags(told)


def test_values_that_are_refused(tmp_path, scene, loaded):
    """Before anything is loaded, named as typed."""
    for flags, message in [
        (["--tile-size", 0], "--tile-size must be a positive integer"),
        (["--overlap", -1], "--overlap must be an integer from 0"),
        (["--tta", "d5"], "--tta must be one of None, 'flips', 'd4'"),
        (["--raster-dtype", "int8"], "--raster-dtype must be one of"),
        (["--gsd", 0], "--gsd must be 'auto', None or a positive"),
        (["--nodata", "black"], "--nodata must be a number or border"),
        (["--simplify", -1], "--simplify must be a number, 0 or more"),
    ]:
        output = tmp_path / "map.tif"
        result = run("predict", scene, "--output", output, *flags)
        assert result.exit_code == 2, flags
        words = " ".join(result.stderr.replace("│", " ").split())
        assert message in words
    assert loaded == []
