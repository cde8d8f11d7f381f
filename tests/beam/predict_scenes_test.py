"""Scenes on several processes: the same bytes as with one, despite kills."""

import logging
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("apache_beam")

from apache_beam.options.pipeline_options import PipelineOptions

from keras_rsseg.beam import run_scenes
from keras_rsseg.scenes.many.scene_list import list_scenes
from keras_rsseg.scenes.predict_scenes import predict_scenes
from tests.beam import models
from tests.beam.run import OPTIONS
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNNER = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
PROCESSES = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three scenes in the working directory, and a folder for notes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(models.NOTES, str(tmp_path / "notes"))
    for name in ("in", "notes"):
        (tmp_path / name).mkdir()
    for seed, size in enumerate([(170, 90), (40, 50), (20, 10)]):
        write_scene(tmp_path / "in" / f"{seed}.tif", random_scene(*size, seed))
    return tmp_path


def run(output="maps", **options):
    """In this process."""
    return run_scenes(
        models.load_model,
        list_scenes(["in"], output),
        f"{output}/report.csv",
        PipelineOptions([RUNNER]),
        **{**OPTIONS, **options},
    )


def run_alone(output="one", **options):
    """Without Beam."""
    options = {**OPTIONS, **options}
    del options["unit_blocks"]
    jobs = list_scenes(["in"], output)
    predict_scenes(models.Model(), jobs, progress=False, **options)


def contents(path):
    return {
        os.path.relpath(os.path.join(place, name), path): pathlib.Path(
            place, name
        ).read_bytes()
        for place, _, names in os.walk(path)
        for name in names
        if name != "report.csv"
    }


def statuses(report):
    return {os.path.basename(o.job.source): o.status for o in report.outcomes}


def test_the_bytes_of_one_process(folder):
    """With all rasters and separate vectors, on the grid of the scene."""
    options = {
        "uncertainty_kind": "variance",
        "test_time_augmentation": "flips",
        "overlap": 16,
    }
    report = run(**options)
    assert list(statuses(report).items()) == [
        *(("0.tif", "done"), ("1.tif", "done"), ("2.tif", "done"))
    ]
    assert models.count("load") == 1
    run_alone(**options)
    assert contents("maps") == contents("one")
    assert sorted(contents("maps")) == ["0.tif", "1.tif", "2.tif"]
    assert report.outcomes[0].result.valid_share == 1
    assert "in/0.tif" in pathlib.Path("maps/report.csv").read_text()


def test_finished_maps_stay(folder):
    run()
    calls, before = models.count("call"), os.stat("maps/0.tif").st_mtime_ns
    os.unlink("maps/1.tif")
    report = run()
    assert statuses(report) == {
        "0.tif": "finished before",
        "1.tif": "done",
        "2.tif": "finished before",
    }
    assert os.stat("maps/0.tif").st_mtime_ns == before
    assert 0 < models.count("call") - calls < calls / 2
    report = run(overlap=2)
    assert set(statuses(report).values()) == {"failed"}
    assert "overwrite" in report.outcomes[0].error
    assert os.stat("maps/0.tif").st_mtime_ns == before
    report = run(overlap=2, overwrite=True)
    assert report.bad == []
    assert os.stat("maps/0.tif").st_mtime_ns > before


class TestFailures:
    def test_others_go_on(self, folder):
        (folder / "in/1.tif").write_text("not a raster")
        write_scene(folder / "in/3.tif", random_scene(30, 30)[:1])
        (folder / "list.csv").write_text(
            "scene,bands\nin/0.tif,\nin/1.tif,\nin/3.tif,2\nin/2.tif,\n"
        )
        report = run_scenes(
            models.load_model,
            list_scenes(["list.csv"], "maps"),
            "report.csv",
            PipelineOptions([RUNNER]),
            **OPTIONS,
        )
        assert statuses(report) == {
            "0.tif": "done",
            "1.tif": "failed",
            "3.tif": "failed",
            "2.tif": "done",
        }
        assert "not a raster" in report.outcomes[1].error
        assert "band numbers 1 to 1" in report.outcomes[2].error
        assert sorted(contents("maps")) == ["0.tif", "2.tif"]

    def test_finished_blocks_are_kept(self, folder):
        """If the model fails halfway, and the run is repeated."""
        (folder / "notes/fail").write_text("5")
        report = run()
        assert "failed" in statuses(report).values()
        assert "RuntimeError: out of memory" in report.to_text()
        (folder / "notes/fail").unlink()
        calls = models.count("call")
        assert run().bad == []
        again = models.count("call") - calls
        run_alone()
        assert contents("maps") == contents("one")
        assert again < models.count("call") - calls - again

    def test_blocks_of_other_settings(self, folder):
        (folder / "notes/fail").write_text("5")
        run()
        (folder / "notes/fail").unlink()
        report = run(overlap=2)
        assert "other settings" in report.to_text()
        assert run(overlap=2, overwrite=True).bad == []
        run_alone(overlap=2)
        assert contents("maps") == contents("one")


@pytest.mark.slow
def test_two_processes_killed_and_restarted(folder):
    """The second run does what the first has left, and no more."""

    def start():
        arguments = ["in", "maps", RUNNER, *PROCESSES]
        return subprocess.run(
            [sys.executable, "-m", "tests.beam.run", *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
            capture_output=True,
            text=True,
            timeout=300,
        )

    unfinished = folder / "maps/.0.tif.blocks"
    (folder / "notes/kill").write_text(str(unfinished))
    killed = start()
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (folder / "maps/0.tif").exists()
    assert len(models.blocks(unfinished)) >= 2
    calls = models.count("call")

    result = start()
    assert result.returncode == 0, result.stderr
    assert "3 scenes: 3 done" in result.stdout
    again = models.count("call") - calls
    assert models.processes("load") == models.count("load") == 4
    run_alone()
    assert contents("maps") == contents("one")
    calls = models.count("call")
    run("anew")
    assert again < models.count("call") - calls


def test_warnings_of_a_kind_are_told_once(folder, caplog):
    """By each process, whatever the step and the scene."""
    for seed in range(3):
        (folder / "in" / f"{seed}.tif").unlink()
        pixels = np.zeros((3, 40, 30), "uint8")
        write_scene(folder / f"in/{seed}.tif", pixels, nodata=0)
    # Of another size than the model's: each step that opens a scene says so.
    report = run(ground_sample_distance=1.0)
    assert not report.bad
    texts = [record.getMessage() for record in caplog.records]
    for kind in ("is resampled to", "no valid pixel"):
        first, others = [text for text in texts if kind in text]
        assert not first.startswith("Also")
        assert others.startswith("Also for ") and others.count("/in/") == 2
    assert logging.getLogger("keras_rsseg").propagate
