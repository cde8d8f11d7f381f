"""The report has the outcome of each scene, and adds up."""

import csv
import io
import os
import pathlib

import pytest

from keras_rsseg.scenes.many.scene_job import SceneJob
from keras_rsseg.scenes.many.scene_report import SceneOutcome
from keras_rsseg.scenes.many.scene_report import SceneReport
from keras_rsseg.scenes.many.scene_report import format_area
from keras_rsseg.scenes.predict_scene import SceneResult


def outcome(name, status, result=None, error=None):
    job = SceneJob(f"in/{name}.jp2", pathlib.Path(f"maps/{name}.tif"))
    return SceneOutcome(job, status, 1.25, result, error)


def result(areas, **pixels):
    path = pathlib.Path("map.tif")
    areas = {k: v * 2500.0 for k, v in pixels.items()} if areas else None
    return SceneResult(path, 1.0, 0.98765, pixels, areas)


@pytest.fixture
def report():
    return SceneReport(
        [
            outcome("a", "done", result(True, land=3, water=500)),
            outcome("b", "finished before", result(False, land=7, water=0)),
            outcome("c", "failed", error='no data, "broken"'),
            outcome("d", "done", result(True, land=1, water=0, road=2)),
            outcome("e", "not started"),
        ]
    )


def test_csv(report):
    rows = list(csv.DictReader(io.StringIO(report.to_csv())))
    assert [row["scene"] for row in rows] == [
        f"in/{name}.jp2" for name in "abcde"
    ]
    assert rows[0] == {
        "scene": "in/a.jp2",
        "output": "maps/a.tif",
        "status": "done",
        "seconds": "1.25",
        "valid_share": "0.987650",
        "error": "",
        "land px": "3",
        "land m2": "7500.00",
        "water px": "500",
        "water m2": "1250000.00",
        "road px": "",
        "road m2": "",
    }
    assert (rows[1]["land px"], rows[1]["land m2"]) == ("7", "")
    assert rows[2]["error"] == 'no data, "broken"'
    assert (rows[2]["valid_share"], rows[2]["land px"]) == ("", "")
    assert rows[3]["road m2"] == "5000.00"


def test_table(report):
    lines = report.to_text().splitlines()
    assert lines[0].split() == [
        *("map", "status", "seconds", "valid", "land", "water", "road")
    ]
    assert lines[1].split() == [
        *("a.tif", "done", "1.2", "98.8%", "7,500", "m2", "1.25", "km2")
    ]
    assert "7 pixels" in lines[2]
    assert lines[3].split() == ["c.tif", "failed", "1.2"]
    # Maps without a reference system have no areas to add.
    assert lines[6].split() == [
        *("all", "6.2", "1.00", "ha", "1.25", "km2", "5,000", "m2")
    ]
    assert lines[7] == 'in/c.jp2: no data, "broken"'
    assert lines[8] == (
        "5 scenes: 2 done, 1 finished before, 1 failed, 1 not started"
    )
    assert [o.job.source for o in report.bad] == ["in/c.jp2", "in/e.jp2"]


def test_equal_names_are_told_apart():
    """By the folders of the maps."""
    jobs = [SceneJob("a.png", pathlib.Path(f"maps/{n}/7/5.tif")) for n in "12"]
    text = SceneReport(map(SceneOutcome, jobs)).to_text()
    assert [line.split()[0] for line in text.splitlines()[1:3]] == [
        os.path.join("1", "7", "5.tif"),
        os.path.join("2", "7", "5.tif"),
    ]


def test_read_is_what_was_saved(report, tmp_path):
    report.save(tmp_path / "report.csv")
    again = SceneReport.read(tmp_path / "report.csv")
    assert again.to_csv() == report.to_csv()
    assert again.to_text() == report.to_text()
    assert again.outcomes[2].error == 'no data, "broken"'
    assert again.outcomes[0].error is None


def test_nothing_was_done():
    report = SceneReport([outcome("a", "failed", error="no")])
    assert report.to_text().splitlines()[-1] == "1 scene: 1 failed"
    assert report.to_csv().splitlines()[0].endswith("valid_share,error")


def test_save_replaces_it_whole(report, tmp_path, monkeypatch):
    path = tmp_path / "report.csv"
    path.write_text("old")
    with monkeypatch.context() as patch:
        patch.setattr(report, "to_csv", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            report.save(path)
    assert path.read_text() == "old"
    report.save(path)
    assert path.read_text() == report.to_csv()
    assert list(tmp_path.iterdir()) == [path]


def test_rows_about_other_maps_stay(report, tmp_path):
    path = tmp_path / "report.csv"
    report.save(path)
    again = SceneReport(
        [
            outcome("c", "done", result(True, sand=4)),
            outcome("f", "failed", error="no"),
        ]
    )
    assert not again.is_added_to(path)
    assert SceneReport([outcome("f", "done")]).is_added_to(path)
    again.save(path)
    again.save(path)
    stored = SceneReport.read(path)
    assert [o.job.source for o in stored.outcomes] == [
        f"in/{name}.jp2" for name in "abdecf"
    ]
    assert stored.outcomes[0].result.class_areas["water"] == 1_250_000
    assert stored.outcomes[4].status == "done"
    assert len(again.outcomes) == 2
    for text in ("precious", "scene,output\nx,y\n", ""):
        path.write_text(text)
        assert not again.is_added_to(path)
        again.save(path)
        assert path.read_text() == again.to_csv()


@pytest.mark.parametrize(
    "area, text",
    [
        (0, "0 m2"),
        (9999, "9,999 m2"),
        (12_345, "1.23 ha"),
        (2e9, "2,000.00 km2"),
    ],
)
def test_areas_are_readable(area, text):
    assert format_area(area) == text


def test_a_long_report_fits_a_screen(report):
    """Failures come first, and the widest classes are kept."""
    lines = report.to_text(rows=2, width=62).splitlines()
    assert lines[0].split() == ["map", "status", "seconds", "valid", "water"]
    assert [line.split()[0] for line in lines[1:3]] == ["c.tif", "e.tif"]
    assert "and 3 more, see the report" in lines
    assert lines[-1].startswith("5 scenes: ")
    assert report.to_text(rows=5) == report.to_text()
