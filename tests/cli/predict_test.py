"""`keras-rsseg predict`: right arguments go through, wrong cost nothing."""

import pathlib

import numpy as np
import pytest
import rasterio

from tests.cli.commands import check_error
from tests.cli.commands import run
from tests.cli.predict_models import scenes_module
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_classes

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARBOUR = ROOT / "examples" / "data" / "harbour.tif"


def test_predict_writes_the_map_and_says_so(tmp_path, scene, loaded):
    output, preview = tmp_path / "map.tif", tmp_path / "map.png"
    result = run(
        *("predict", scene, "--output", output, "--tile-size", 32),
        *("--overlap", 4, "--batch-size", 2, "--preview", preview),
    )
    assert result.exit_code == 0, result.output
    assert loaded == ["small"]
    truth = threshold_classes(random_scene(70, 90))
    with rasterio.open(output) as dataset:
        np.testing.assert_array_equal(dataset.read(1), truth)
        assert dataset.tags()["tile_size"] == "32"
        assert dataset.tags()["overlap"] == "4"
    assert preview.read_bytes().startswith(b"\x89PNG")
    assert f"Wrote {output} in" in result.stdout
    assert "100.0% of the scene" in result.stdout
    share = (truth == 3).mean()
    (line,) = [row for row in result.stdout.splitlines() if "water" in row]
    assert line.endswith(f"{share:.1%}")
    assert f"{share * 70 * 90 * 0.25 / 0.9996**2:,.0f} m2" in line


def test_quiet_prints_nothing(tmp_path, scene, loaded):
    result = run(
        *("predict", scene, "--output", tmp_path / "map.tif", "--quiet"),
        *("--preset", "large", "--gsd", 2),
    )
    assert result.exit_code == 0
    assert loaded == ["large"]
    assert result.output == ""


@pytest.mark.parametrize(
    "gsd, tag", [("auto", "0.5"), ("native", "native"), ("1.5", "1.5")]
)
def test_gsd(tmp_path, scene, loaded, gsd, tag):
    output = tmp_path / "map.tif"
    result = run("predict", scene, "--output", output, "--gsd", gsd)
    assert result.exit_code == 0, result.output
    with rasterio.open(output) as dataset:
        assert dataset.tags()["ground_sample_distance"] == tag


def test_bands_and_nodata(tmp_path, scene, loaded):
    output = tmp_path / "map.tif"
    result = run(
        *("predict", scene, "--output", output),
        *("--bands", "3, 2,1", "--nodata", 300),
    )
    assert result.exit_code == 1
    assert "300" in result.stderr
    result = run(
        *("predict", scene, "--output", output),
        *("--bands", "3, 2,1", "--nodata", 0),
    )
    assert result.exit_code == 0, result.output
    with rasterio.open(output) as dataset:
        np.testing.assert_array_equal(
            dataset.read(1), threshold_classes(random_scene(70, 90)[::-1])
        )


class TestErrors:
    def test_before_anything_is_loaded(self, tmp_path, scene, loaded):
        text = tmp_path / "notes.txt"
        text.write_text("not a raster")
        old = tmp_path / "old.tif"
        old.write_bytes(b"precious")
        new = tmp_path / "map.tif"
        lost = tmp_path / "nowhere" / "map.tif"
        for source, output, message in [
            (tmp_path / "nothing.tif", new, "there is no file"),
            (text, new, "not a raster"),
            (scene, old, "--overwrite"),
            (scene, scene, "the scene itself"),
            (scene, lost, "no folder"),
            (scene, tmp_path / "map.jpg", "must end in .tif"),
        ]:
            arguments = ["predict", source, "--output", output]
            if message == "the scene itself":
                arguments.append("--overwrite")
            check_error(run(*arguments), message)
        arguments = ["predict", scene, "--output", new, "--preview", "a.jpg"]
        check_error(run(*arguments), "must end in .png")
        assert loaded == []
        assert old.read_bytes() == b"precious"
        assert not new.exists()

    def test_unknown_preset_and_wrong_bands(self, tmp_path, scene, loaded):
        output = tmp_path / "map.tif"
        arguments = ["predict", scene, "--output", output]
        result = run(*arguments, "--preset", "nonsense")
        check_error(result, "Unknown preset 'nonsense'. There are: small")
        result = run(*arguments, "--bands", "1,2")
        check_error(result, "takes 3 bands (red, green, blue)")
        result = run(*arguments, "--tile-size", 8, "--overlap", 8)
        check_error(result, "`overlap`")
        assert not output.exists()

    def test_usage(self, tmp_path, scene, loaded):
        output = tmp_path / "map.tif"
        for arguments in [
            ["predict", scene],
            ["predict", scene, "--output", output, "--gsd", "fine"],
            ["predict", scene, "--output", output, "--tile-size", 0],
            ["train"],
        ]:
            assert run(*arguments).exit_code == 2
        assert loaded == []

    def test_a_bug_is_not_hidden(self, tmp_path, scene, loaded, monkeypatch):
        def broken(*arguments, **options):
            raise KeyError("weights")

        monkeypatch.setattr(scenes_module(), "predict_scene", broken)
        result = run("predict", scene, "--output", tmp_path / "map.tif")
        assert isinstance(result.exception, KeyError)


def test_overwrite(tmp_path, scene, loaded):
    output = tmp_path / "map.tif"
    output.write_bytes(b"old")
    result = run("predict", scene, "--output", output, "--overwrite")
    assert result.exit_code == 0, result.output
    with rasterio.open(output) as dataset:
        assert dataset.shape == (70, 90)


def test_the_sample_scene_is_the_published_one(tmp_path, loaded, caplog):
    """Georeferenced, 25 cm: read at the model's 50 cm."""
    with rasterio.open(HARBOUR) as dataset:
        assert dataset.crs == "EPSG:28992"
        assert dataset.shape == (1000, 1000)
        transform = dataset.transform
    output = tmp_path / "map.tif"
    result = run("predict", HARBOUR, "--output", output)
    assert result.exit_code == 0, result.output
    assert "read at 500 x 500 pixels" in caplog.text
    with rasterio.open(output) as dataset:
        assert dataset.crs == "EPSG:28992"
        assert dataset.transform == transform
        assert set(np.unique(dataset.read(1))) <= {0, 1, 2, 3}
