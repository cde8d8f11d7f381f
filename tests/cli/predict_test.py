"""`keras-rsseg predict` of several scenes: one model, one report."""

import csv
import pathlib

import filelock
import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from keras_rsseg.errors import ArgumentError
from tests.cli.commands import check_error
from tests.cli.commands import run
from tests.cli.predict_models import Model
from tests.cli.predict_models import scenes_module
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene


class TestSeveral:
    @pytest.fixture
    def here(self, tmp_path, monkeypatch):
        """Two scenes in a folder of the working directory."""
        monkeypatch.chdir(tmp_path)
        for seed, name in enumerate("ab"):
            (tmp_path / name).mkdir()
            write_scene(tmp_path / name / "x.tif", random_scene(40, 30, seed))
        return tmp_path

    def test_resume(self, here, loaded, monkeypatch):
        """Finished maps stay, the others are made, all are reported."""
        calls = []

        def breaks(self, tiles):
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return threshold_model(tiles)

        monkeypatch.setattr(Model, "predict_on_batch", breaks)
        arguments = ["predict", ".", "--output", "maps"]
        assert run(*arguments).exit_code == 130
        result = run(*arguments)
        check_error(result, "maps/report.csv. Give --resume")
        result = run(*arguments, "--resume")
        assert result.exit_code == 0, result.output
        assert len(calls) == 3
        assert "1 done, 1 finished before" in result.stdout
        result = run(*arguments, "--resume", "--tile-size", 64)
        assert result.exit_code == 1
        assert "--overwrite" in result.stdout

    def rows(self, path):
        with open(path, newline="") as file:
            return {row["scene"]: row for row in csv.DictReader(file)}

    @pytest.mark.parametrize(
        "sources", [["."], ["*/x.tif"], ["list.csv"], ["b/x.tif", "a/x*.tif"]]
    )
    def test_one_model_one_report(self, here, loaded, sources):
        (here / "list.csv").write_text(
            "scene,output\na/x.tif,a/x.tif\nb/x.tif,b/x.tif\n"
        )
        if len(sources) > 1:
            (here / "a/x.tif").rename(here / "a/x2.tif")
        result = run(
            *("predict", *sources, "--output", "maps", "--preview", ".png")
        )
        assert result.exit_code == 0, result.output
        assert loaded == ["small"]
        rows = self.rows("maps/report.csv")
        assert len(rows) == 2
        for seed, row in enumerate(rows[key] for key in sorted(rows)):
            assert row["status"] == "done"
            output = pathlib.Path(row["output"])
            assert output.with_suffix(".png").exists()
            with rasterio.open(output) as dataset:
                np.testing.assert_array_equal(
                    dataset.read(1),
                    threshold_classes(random_scene(40, 30, seed)),
                )
        lines = result.stdout.splitlines()
        assert lines[0].split()[:4] == ["map", "status", "seconds", "valid"]
        assert lines[-2:] == ["2 scenes: 2 done", "Wrote maps/report.csv"]

    def test_a_mosaic_among_maps_to_come(self, here, loaded):
        """Their folder is made before the mosaic."""
        manifest = here / "list.csv"
        manifest.write_text("scene,output\na/x.tif,1.tif\nb/x.tif,2.tif\n")
        arguments = ["predict", manifest, "--output", "maps"]
        result = run(*arguments, "--mosaic", "nowhere/all.vrt")
        check_error(result, "no folder nowhere")
        result = run(*arguments, "--mosaic", "maps/all.vrt")
        assert result.exit_code == 0, result.output
        with rasterio.open("maps/all.vrt") as dataset:
            assert dataset.shape == (40, 30)

    def test_one_scene_into_a_folder(self, here, loaded):
        result = run("predict", "a/x.tif", "--output", "maps", "--quiet")
        assert result.exit_code == 0
        assert result.output == ""
        assert (here / "maps/x.tif").exists()

    def test_a_second_run_adds_to_the_report(self, here, loaded):
        (here / "b/x.tif").rename(here / "b/y.tif")
        for scene in ("a/x.tif", "b/y.tif"):
            result = run("predict", scene, "--output", "maps")
            assert result.exit_code == 0, result.output
            assert "1 scene: 1 done" in result.stdout
        result = run("predict", "a/x.tif", "--output", "maps")
        check_error(result, "The report exists: maps/report.csv")
        result = run("predict", "a/x.tif", "--output", "maps", "--resume")
        rows = self.rows("maps/report.csv")
        assert rows["a/x.tif"]["status"] == "finished before"
        assert rows["b/y.tif"]["status"] == "done"

    def test_a_scene_that_is_missing_is_a_row(self, here, loaded):
        (here / "list.csv").write_text("scene;\ngone.tif;\na/x.tif;\n;\n")
        result = run("predict", "list.csv", "--output", "maps")
        assert result.exit_code == 3
        assert "Will fail: there is no file gone.tif" in result.stderr
        assert "gone.tif: there is no file gone.tif" in result.stdout
        assert self.rows("maps/report.csv")["gone.tif"]["status"] == "failed"
        assert (here / "maps/x.tif").exists()

    def test_a_manifest_says_where_all_goes(self, here, loaded):
        (here / "a/list.csv").write_text("scene,output\nx.tif,map.tif\n")
        result = run("predict", "a/list.csv")
        assert result.exit_code == 0, result.output
        assert (here / "a/map.tif").exists()
        assert list(self.rows("a/list_report.csv")) == ["a/x.tif"]

    def test_some_fail(self, here, loaded):
        (here / "b/x.tif").write_text("not a raster")
        arguments = ["predict", ".", "--output", "maps"]
        result = run(*arguments)
        assert result.exit_code == 3
        assert "Will fail" in result.stderr
        assert "b/x.tif: ./b/x.tif cannot be read" in result.stdout
        assert "2 scenes: 1 done, 1 failed" in result.stdout
        rows = self.rows("maps/report.csv")
        assert rows["./a/x.tif"]["status"] == "done"
        assert "not a raster" in rows["./b/x.tif"]["error"]

    def test_all_fail(self, here, loaded):
        result = run("predict", ".", "--output", "maps", "--bands", "1,2")
        assert result.exit_code == 1
        assert "2 scenes: 2 failed" in result.stdout

    def test_interrupted(self, here, loaded, monkeypatch):
        calls = []

        def breaks(self, tiles):
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return threshold_model(tiles)

        monkeypatch.setattr(Model, "predict_on_batch", breaks)
        result = run("predict", ".", "--output", "maps")
        assert result.exit_code == 130
        assert "2 scenes: 1 done, 1 interrupted" in result.stdout
        assert "--resume" in result.stderr
        statuses = [
            row["status"] for row in self.rows("maps/report.csv").values()
        ]
        assert statuses == ["done", "interrupted"]

    def test_before_anything_is_loaded(self, here, loaded):
        (here / "list.csv").write_text("scene,color\na/x.tif,red\n")
        (here / "old").mkdir()
        (here / "old/report.csv").write_text("precious")
        (here / "report.csv").write_text("scene\na/x.tif\n")
        (here / "empty").mkdir()
        (here / "file").touch()
        both = ["a/x.tif", "b/x.tif"]
        for arguments, message in [
            ([*both, "--output", "maps"], "written twice"),
            (["a/x.tif", "c.tif", "--output", "maps"], "no file c.tif"),
            (["empty", "--output", "maps"], "no rasters in empty"),
            (["list.csv", "--output", "maps"], "'color'"),
            (["a", "--output", "old"], "The report exists: old/report.csv"),
            (["a", "--output", "file/maps"], "file is a file"),
            (["a", "--output", "m", "--report", "r.txt"], "a CSV file"),
            (
                ["report.csv", "--output", ".", "--overwrite"],
                "replace the manifest",
            ),
            (["a", "--output", "a", "--overwrite"], "the scene itself"),
        ]:
            check_error(run("predict", *arguments), message)
        assert loaded == []
        assert (here / "old/report.csv").read_text() == "precious"

    def test_usage(self, here, loaded):
        for arguments in [
            ["a", "--output", "map.tif"],
            ["a", "b"],
            ["a", "--output", "maps", "--preview", "map.png"],
            ["a", "--output", "maps", "--polygons", ".x/.gpkg"],
        ]:
            result = run("predict", *arguments)
            assert result.exit_code in (1, 2), arguments
            assert result.exit_code == 2 or "--output must" in result.stderr
        assert loaded == []

    def test_options_of_all(self, here, loaded, monkeypatch):
        """Arguments of `predict_scene`, files beside each map."""
        calls = []

        def note(model, source, destination, **options):
            calls.append({"source": source, **options})
            raise ArgumentError("noted")

        monkeypatch.setattr(scenes_module(), "predict_scene", note)
        result = run(
            *("predict", "a", "b/x.tif", "--output", "maps", "--overwrite"),
            *("--probabilities", "_prob.tif", "--tile-size", 64, "--tta", "d4"),
        )
        assert result.exit_code == 1
        assert calls == []
        assert "written twice" in result.stderr
        result = run(
            *("predict", "*/x.tif", "--output", "maps", "--overwrite"),
            *("--probabilities", "_prob.tif", "--tile-size", 64, "--tta", "d4"),
        )
        assert [call["source"] for call in calls] == ["a/x.tif", "b/x.tif"]
        assert calls[1]["probabilities"] == pathlib.Path("maps/b/x_prob.tif")
        assert calls[1]["test_time_augmentation"] == "d4"
        assert calls[1]["tile_size"] == 64
        assert calls[1]["uncertainty"] is None


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
        for flags, message in [
            (["--area", tmp_path / "no.geojson"], "no.geojson"),
            (["--tile-size", 8, "--overlap", 8], "Received: --overlap 8, --t"),
            (
                ["--uncertainty", lost, "--uncertainty-kind", "variance"],
                "--uncertainty-kind variance needs several views of each "
                "tile: give --tta or --scales",
            ),
        ]:
            arguments = ["predict", scene, "--output", new, *flags]
            check_error(run(*arguments), message)
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
        check_error(result, "--overlap must be an integer from 0 to")
        assert not output.exists()

    def test_a_second_run_at_once(self, tmp_path, scene, loaded):
        output = tmp_path / "map.tif"
        (tmp_path / ".map.tif.blocks").mkdir()
        with filelock.FileLock(tmp_path / ".map.tif.blocks/lock"):
            result = run("predict", scene, "--output", output)
        check_error(result, "Another run is writing")
        assert "--resume continues" in result.stderr

    def test_before_the_model_is_loaded(self, tmp_path, known, monkeypatch):
        """The preset's facts reveal what the model would refuse."""
        monkeypatch.chdir(tmp_path)
        plain, pixels = {"crs": None, "transform": None}, random_scene(70, 90)
        write_scene(tmp_path / "plain.tif", pixels, **plain)
        write_scene(tmp_path / "deep.tif", pixels.astype("uint16"))
        coarse = Affine(10, 0, 5e5, 0, -10, 5e6)
        write_scene(tmp_path / "coarse.tif", pixels, transform=coarse)
        write_scene(tmp_path / "scene.tif", pixels)
        away = "POLYGON ((0 0, 1 0, 1 1, 0 0))"
        for name, flags, message in [
            ("scene.tif", ["--bands", "1,2"], "takes 3 bands"),
            ("coarse.tif", [], "--gsd 0.5"),
            ("scene.tif", ["--area", away, "--area-crs", "scene"], "no pixel"),
            ("plain.tif", ["--polygons", "o.geojson"], "GeoJSON has long"),
            (
                "plain.tif",
                ["--polygons", "o.gpkg", "--minimum-area", 5],
                "--pixel-size",
            ),
        ]:
            check_error(
                run("predict", name, "--output", "o.tif", *flags), message
            )
        (tmp_path / ".o.tif.blocks").mkdir()
        with filelock.FileLock(tmp_path / ".o.tif.blocks/lock"):
            result = run("predict", "scene.tif", "--output", "o.tif")
        check_error(result, "Another run is writing")
        assert known == []
        assert not (tmp_path / "o.tif").exists()

    def test_a_file_for_each_band(self, tmp_path, known, monkeypatch):
        """One error says how to stack them, not one for each of them."""
        monkeypatch.chdir(tmp_path)
        names = ["T32_B04.tif", "T32_B03.tif", "T32_B02.tif"]
        for name, band in zip(names, random_scene(70, 90), strict=True):
            write_scene(tmp_path / name, band[None])
        result = run("predict", *names, "--output", "maps")
        check_error(
            result, "B04.tif+B03.tif+B02.tif. Also for T32_B03.tif, T32"
        )
        assert known == []
        result = run("predict", "+".join(names), "--output", "maps")
        assert result.exit_code == 0, result.output

    def test_warnings_are_lines_with_flags(self, tmp_path, known, monkeypatch):
        """No source code, and the command line's own terms."""
        monkeypatch.chdir(tmp_path)
        pixels = np.concatenate([random_scene(70, 90)] * 2)[:4]
        pixels[3, :9] = 0
        rgbn = {"photometric": "rgb", "alpha": "yes"}
        write_scene(tmp_path / "rgbn.tif", pixels, **rgbn)
        arguments = ["predict", "rgbn.tif", "--output", "o.tif"]
        result = run(*arguments)
        assert result.exit_code == 0
        lines = result.stderr.splitlines()
        (line,) = [line for line in lines if "alpha" in line]
        assert line.startswith("Warning: Band 4 of rgbn.tif is tagged as alpha")
        assert line.endswith("If it is data, give --alpha none.")
        result = run(*arguments, "--overwrite", "--quiet")
        assert result.output == ""

    def test_a_slip_in_a_name(self, tmp_path, scene, loaded, monkeypatch):
        monkeypatch.chdir(tmp_path)
        result = run("predict", "sene.tif", "--output", "map.tif")
        check_error(result, "there is no file sene.tif. Did you mean scene.tif")
        assert "source" not in result.stderr
        assert loaded == []

    def test_usage(self, tmp_path, scene, loaded):
        output = tmp_path / "map.tif"
        for arguments in [
            ["predict", scene],
            ["predict", scene, "--output", output, "--gsd", "fine"],
            ["predict", scene, "--output", output, "--tile-size", 0],
            ["predict", scene, "--output", output, "--report", "report.csv"],
            ["predict", scene, "--output", "s3://bucket/map.tif"],
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
    assert "resampled to 500 x 500 pixels" in caplog.text
    with rasterio.open(output) as dataset:
        assert dataset.crs == "EPSG:28992"
        assert dataset.transform == transform
        assert set(np.unique(dataset.read(1))) <= {0, 1, 2, 3}
