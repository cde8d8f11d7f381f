"""`keras-rsseg predict` of several scenes: one model, one report."""

import csv
import pathlib

import numpy as np
import pytest
import rasterio

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

    def test_one_scene_into_a_folder(self, here, loaded):
        result = run("predict", "a/x.tif", "--output", "maps", "--quiet")
        assert result.exit_code == 0
        assert result.output == ""
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
        assert "b/x.tif: `source`" in result.stdout
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
            (["empty", "--output", "maps"], "no raster in empty"),
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
            assert result.exit_code == 2 or "`output`" in result.stderr
        assert loaded == []

    def test_options_of_all(self, here, loaded, monkeypatch):
        """Arguments of `predict_scene`, files beside each map."""
        calls = []

        def note(model, source, destination, **options):
            calls.append({"source": source, **options})
            raise ValueError("noted")

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
        assert "uncertainty" not in calls[1]
