"""Many scenes: one fails, the others go on; finished maps stay."""

import csv
import os

import numpy as np
import pytest
import rasterio

from keras_rsseg.scenes.many.scene_job import SceneJob
from keras_rsseg.scenes.many.scene_list import check_scenes
from keras_rsseg.scenes.many.scene_list import list_scenes
from keras_rsseg.scenes.predict_scenes import ScenesInterrupted
from keras_rsseg.scenes.predict_scenes import predict_scenes
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

SIZE = 48, 40


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three scenes in folders, and the working directory above."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("a/x", "b/x", "c")):
        path = tmp_path / "in" / f"{name}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_scene(path, random_scene(*SIZE, seed))
    return tmp_path


def run(model, jobs, **options):
    options = {"tile_size": 32, "progress": False, **options}
    return predict_scenes(model, jobs, **options)


def statuses(report):
    return {o.job.source: o.status for o in report.outcomes}


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def files(path):
    return sorted(
        os.path.relpath(os.path.join(place, name), path)
        for place, _, names in os.walk(path)
        for name in names
    )


def identity(path):
    """Facts that change when a file is written again."""
    status = os.stat(path)
    return status.st_ino, status.st_mtime_ns


class Calls:
    """A model with known results, and events at its calls."""

    def __init__(self, *events):
        self.events = list(events)

    def __call__(self, tiles):
        event = self.events.pop(0) if self.events else None
        if event is not None:
            raise event
        return threshold_model(tiles)


def test_all_scenes(folder):
    report = run(threshold_model, list_scenes(["in"], "maps"), report="r.csv")
    assert files("maps") == ["a/x.tif", "b/x.tif", "c.tif"]
    for seed, name in enumerate(("a/x", "b/x", "c")):
        classes, profile = read_map(f"maps/{name}.tif")
        truth = threshold_classes(random_scene(*SIZE, seed))
        np.testing.assert_array_equal(classes, truth)
        assert profile["crs"] == "EPSG:32632"
    assert report.bad == []
    lines = rows("r.csv")
    assert [line["status"] for line in lines] == ["done"] * 3
    (line,) = [line for line in lines if line["scene"] == "in/b/x.tif"]
    truth = threshold_classes(random_scene(*SIZE, 1))
    assert int(line["class_2 px"]) == (truth == 2).sum()
    assert float(line["valid_share"]) == 1
    assert files(".") == [
        *(f"in/{name}.tif" for name in ("a/x", "b/x", "c")),
        *(f"maps/{name}.tif" for name in ("a/x", "b/x", "c")),
        "r.csv",
    ]


def test_options_of_one_scene_come_first(folder):
    (folder / "list.csv").write_text(
        "scene,bands,nodata\nin/c.tif,3;2;1,7\nin/a/x.tif,,\n"
    )
    jobs = list_scenes(["list.csv"], "maps")
    run(threshold_model, jobs, bands=[2, 2, 2])
    pixels = random_scene(*SIZE, 2)
    truth = threshold_classes(pixels[::-1])
    np.testing.assert_array_equal(read_map("maps/c.tif")[0], truth)
    pixels = random_scene(*SIZE, 0)
    truth = threshold_classes(pixels[1:2])
    np.testing.assert_array_equal(read_map("maps/x.tif")[0], truth)


class TestFailures:
    def test_others_go_on(self, folder, caplog):
        data = (folder / "in/b/x.tif").read_bytes()
        (folder / "in/b/x.tif").write_bytes(data[: len(data) // 2])
        (folder / "in/d.tif").write_text("not a raster")
        write_scene(folder / "in/e.tif", random_scene(*SIZE)[:2])
        jobs = list_scenes(["in"], "maps")

        class Task:
            bands = 3
            predict_on_batch = staticmethod(threshold_model)

        report = run(Task(), jobs, report="r.csv")
        assert statuses(report) == {
            "in/c.tif": "done",
            "in/d.tif": "failed",
            "in/e.tif": "failed",
            "in/a/x.tif": "done",
            "in/b/x.tif": "failed",
        }
        errors = {line["scene"]: line["error"] for line in rows("r.csv")}
        assert "not a raster" in errors["in/d.tif"]
        assert "takes 3 bands" in errors["in/e.tif"]
        assert errors["in/b/x.tif"]
        assert errors["in/c.tif"] == ""
        # User errors need no traceback.
        assert "Traceback" not in caplog.text
        assert "in/e.tif failed: The model takes 3 bands" in caplog.text
        assert files("maps") == ["a/x.tif", "c.tif"]

    def test_scenes_that_are_missing(self, folder):
        """All are named, the others go on."""
        (folder / "list.csv").write_text(
            "scene\nin/gone.tif\nin/c.tif\nin/d.tif\n"
        )
        jobs = list_scenes(["list.csv"], "maps")
        problems = check_scenes(jobs)
        assert problems.keys() == {0, 2}
        assert "no file in/gone.tif" in problems[0]
        assert "Did you mean in/c.tif?" in problems[2]
        report = run(threshold_model, jobs)
        assert list(statuses(report).values()) == ["failed", "done", "failed"]
        assert "no file in/d.tif" in report.outcomes[2].error
        with pytest.raises(ValueError, match="(?s)gone.tif.*in/d.tif"):
            check_scenes([jobs[0], jobs[2]])

    def test_a_bug_is_told_whole(self, folder, caplog):
        jobs = list_scenes(["in"], "maps")
        report = run(Calls(KeyError("weights")), jobs)
        assert report.outcomes[0].error == "KeyError: 'weights'"
        assert [o.status for o in report.outcomes] == ["failed", "done", "done"]
        assert "Traceback" in caplog.text

    def test_a_map_without_its_preview(self, folder):
        """The map counts, but the scene is not done."""
        (job,) = list_scenes(["in/c.tif"], "maps")
        job = job.with_endings(preview=".png")
        os.makedirs("maps/c.png")
        report = run(threshold_model, [job])
        (outcome,) = report.outcomes
        assert outcome.status == "failed"
        assert outcome.error.startswith("The map is finished, but the rest")
        assert outcome.result.valid_share == 1
        assert read_map("maps/c.tif")[0].shape == SIZE

    def test_a_report_that_cannot_be_written(self, folder, caplog):
        (folder / "r.csv").mkdir()
        report = run(
            threshold_model, list_scenes(["in"], "maps"), report="r.csv"
        )
        assert report.bad == []
        assert "r.csv cannot be written" in caplog.text

    def test_two_scenes_of_one_map(self, folder):
        jobs = list_scenes(["in/a/x.tif"], "maps")
        jobs += list_scenes(["in/b/x.tif"], "maps")
        with pytest.raises(ValueError, match="written twice"):
            run(Calls(AssertionError()), jobs)
        assert not os.path.exists("maps")


def test_interrupted(folder, capsys):
    """The report says how far it got, and is on disk."""
    jobs = list_scenes(["in"], "maps")
    with pytest.raises(KeyboardInterrupt) as caught:
        run(
            Calls(None, KeyboardInterrupt()),
            jobs,
            report="r.csv",
            progress=True,
        )
    assert isinstance(caught.value, ScenesInterrupted)
    expected = ["done", "interrupted", "not started"]
    assert [o.status for o in caught.value.report.outcomes] == expected
    assert [line["status"] for line in rows("r.csv")] == expected
    assert "[2/3] in/a/x.tif" in capsys.readouterr().err


class TestResume:
    def test_finished_maps_stay(self, folder):
        jobs = list_scenes(["in"], "maps")
        run(Calls(), jobs, report="r.csv")
        before = {name: identity(f"maps/{name}") for name in files("maps")}
        first = rows("r.csv")
        report = run(Calls(AssertionError()), jobs, report="r.csv", resume=True)
        assert [o.status for o in report.outcomes] == ["finished before"] * 3
        assert {name: identity(f"maps/{name}") for name in before} == before
        for line, old in zip(rows("r.csv"), first, strict=True):
            line.pop("seconds"), old.pop("seconds")
            assert line == {**old, "status": "finished before"}

    def test_on_in_the_middle_of_a_scene(self, folder):
        jobs = list_scenes(["in"], "maps")
        options = {"strip_height": 16, "batch_size": 1, "overlap": 0}
        calls = Calls(*[None] * 7, KeyboardInterrupt())
        with pytest.raises(ScenesInterrupted):
            run(calls, jobs, **options)
        report = run(Calls(), jobs, resume=True, **options)
        assert list(statuses(report).values()) == [
            *("finished before", "done", "done")
        ]
        run(Calls(), list_scenes(["in"], "anew"), **options)
        for name in files("maps"):
            path = folder / "maps" / name
            assert path.read_bytes() == (folder / "anew" / name).read_bytes()
        assert files("maps") == files("anew")

    def test_what_changed_is_not_finished(self, folder):
        """Other options, another scene: the old map is kept, not taken."""
        jobs = list_scenes(["in"], "maps")
        run(threshold_model, jobs)
        write_scene(folder / "in/c.tif", random_scene(*SIZE, 9))
        report = run(threshold_model, jobs, resume=True)
        assert statuses(report) == {
            "in/c.tif": "failed",
            "in/a/x.tif": "finished before",
            "in/b/x.tif": "finished before",
        }
        assert "overwrite" in report.outcomes[0].error
        report = run(threshold_model, jobs, resume=True, overwrite=True)
        assert report.outcomes[0].status == "done"
        truth = threshold_classes(random_scene(*SIZE, 9))
        np.testing.assert_array_equal(read_map("maps/c.tif")[0], truth)
        report = run(threshold_model, jobs, resume=True, overlap=9)
        assert [o.status for o in report.outcomes] == ["failed"] * 3

    def test_what_is_missing_beside_a_map_is_made(self, folder):
        jobs = [
            job.with_endings(preview=".png", style=True)
            for job in list_scenes(["in/c.tif"], "maps")
        ]
        (folder / "maps").mkdir()
        (folder / "maps/c.png").mkdir()
        assert run(Calls(), jobs).bad
        (folder / "maps/c.png").rmdir()
        report = run(Calls(AssertionError()), jobs, resume=True)
        assert report.outcomes[0].status == "finished before"
        assert files("maps") == ["c.png", "c.qml", "c.tif"]
        before = identity("maps/c.png")
        run(Calls(AssertionError()), jobs, resume=True)
        assert identity("maps/c.png") == before


def test_existing_maps(folder):
    jobs = list_scenes(["in"], "maps")
    os.mkdir("maps")
    (folder / "maps/c.tif").write_bytes(b"precious")
    report = run(threshold_model, jobs)
    assert statuses(report)["in/c.tif"] == "failed"
    assert (folder / "maps/c.tif").read_bytes() == b"precious"
    report = run(threshold_model, jobs, overwrite=True)
    assert report.bad == []


def test_products(folder):
    pytest.importorskip("pyogrio")
    jobs = [
        job.with_endings(style=True, preview=".png", polygons=".geojson")
        for job in list_scenes(["in/c.tif"], "maps")
    ]
    report = run(threshold_model, jobs, minimum_area=1.0)
    assert report.to_text().endswith("1 scene: 1 done")
    assert files("maps") == ["c.geojson", "c.png", "c.qml", "c.tif"]


def test_polygons_without_a_place(folder):
    """They fail before the model runs, not when the map is done."""
    write_scene(folder / "x.tif", random_scene(20, 20), crs=None)
    calls = []

    def model(tiles):
        calls.append(tiles)
        return threshold_model(tiles)

    for name, options in [
        ("o.geojson", {}),
        ("o.gpkg", {"minimum_area": 5.0}),
        ("o.gpkg", {"simplify": 1.0}),
    ]:
        job = SceneJob("x.tif", folder / "o.tif", polygons=folder / name)
        report = run(model, [job], **options)
        assert "is unknown" in report.outcomes[0].error
    assert not calls
    assert not (folder / "o.tif").exists()
    report = run(model, [job], minimum_area=5.0, pixel_size=0.5)
    assert not report.bad
    # Nor do they replace a file that is not theirs.
    job = SceneJob("x.tif", folder / "p.tif", polygons=job.polygons)
    calls.clear()
    report = run(model, [job])
    assert "exists" in report.outcomes[0].error
    assert not calls


class TestCheck:
    def test_nothing_is_wrong(self, folder):
        jobs = list_scenes(["in"], "new/maps")
        jobs = [job.with_endings(preview=".png") for job in jobs]
        assert check_scenes(jobs) == {}
        assert not os.path.exists("new")

    def test_unreadable_scenes_are_theirs_alone(self, folder):
        (folder / "in/b/x.tif").write_text("not a raster")
        jobs = list_scenes(["in"], "maps")
        ((index, message),) = check_scenes(jobs).items()
        assert jobs[index].source == "in/b/x.tif"
        assert "not a raster" in message
        with pytest.raises(ValueError, match="not a raster"):
            check_scenes([jobs[index]])

    def test_all_errors_at_once(self, folder):
        (folder / "list.csv").write_text(
            "scene,output\nin/nothing.tif,a.tif\nin/c.tif,c.png\n"
            "in/a/x.tif,old.tif\nin/b/x.tif,in/b/x.tif\n"
        )
        (folder / "old.tif").touch()
        jobs = list_scenes(["list.csv"])
        with pytest.raises(ValueError) as caught:
            check_scenes(jobs)
        first, *others = str(caught.value).splitlines()
        assert first == "4 of 4 scenes cannot be done:"
        for line, part in zip(
            others,
            (
                "no file in/nothing.tif",
                "end in .tif",
                "`overwrite=True`",
                "itself",
            ),
            strict=True,
        ):
            assert part in line
        with pytest.raises(FileExistsError, match="`overwrite=True`"):
            check_scenes([jobs[2]])
        assert check_scenes([jobs[2]], overwrite=True) == {}
        assert check_scenes([jobs[2]], resume=True) == {}
        with pytest.raises(ValueError, match="scene itself"):
            check_scenes([jobs[3]], overwrite=True)

    def test_folders_that_cannot_be_made(self, folder):
        (folder / "maps").touch()
        jobs = list_scenes(["in/a/x.tif"], "maps")
        with pytest.raises(NotADirectoryError, match="maps is a file"):
            check_scenes(jobs)
        jobs = list_scenes(["in/a/x.tif"], "new")
        with pytest.raises(FileNotFoundError, match="no folder new"):
            check_scenes(jobs, make_folders=False)

    def test_unwritable_folder(self, folder, monkeypatch):
        """With a stand-in for `os.access`, as tests can run as root."""
        monkeypatch.setattr("os.access", lambda path, mode: False)
        jobs = list_scenes(["in/a/x.tif"], "new/maps")
        with pytest.raises(PermissionError, match="cannot be written"):
            check_scenes(jobs)


def test_progress_of_one_scene_has_no_number(folder, capsys):
    jobs = list_scenes(["in/c.tif"], "maps")
    run(threshold_model, jobs, progress=True)
    assert "[1/1]" not in capsys.readouterr().err
    with rasterio.open("maps/c.tif") as dataset:
        assert dataset.nodata == 255
