"""Hidden folders beside files: of one run, and never anyone else's files."""

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

from keras_rsseg.errors import one_line
from keras_rsseg.files import write_durably
from keras_rsseg.scenes import predict_scene
from keras_rsseg.scenes import write_polygons
from keras_rsseg.work_folder import WorkFolder
from tests.scenes.maps.block_store_faults_test import limited_files
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

ROOT = pathlib.Path(__file__).parents[3]
OPTIONS = {"tile_size": 32, "strip_height": 16, "progress": False}


@pytest.fixture
def scene(tmp_path):
    return write_scene(tmp_path / "scene.tif", random_scene(60, 50))


def stops(tiles):
    raise KeyboardInterrupt


def predict(scene, model=threshold_model, **options):
    path = scene.with_name("map.tif")
    return predict_scene(model, scene, path, **OPTIONS, **options)


class TestWhoseFiles:
    """A folder of that name can be anything: a link, or someone's own."""

    def test_a_link_is_refused(self, tmp_path, scene):
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        for name in ("settings.json", "000001.json", "letter.txt"):
            (elsewhere / name).write_text("mine")
        (tmp_path / ".map.tif.blocks").symlink_to(elsewhere)
        for resume in (False, True):
            with pytest.raises(NotADirectoryError, match="is a link"):
                predict(scene, resume=resume)
        assert len(list(elsewhere.iterdir())) == 3

    def test_a_link_that_leads_nowhere(self, tmp_path, scene):
        (tmp_path / ".map.tif.blocks").symlink_to(tmp_path / "none")
        with pytest.raises(NotADirectoryError, match="is a link"):
            predict(scene)

    def test_a_lock_that_is_a_link(self, tmp_path, scene):
        folder = tmp_path / ".map.tif.blocks"
        folder.mkdir()
        mine = tmp_path / "mine.txt"
        mine.write_text("mine")
        (folder / "lock").symlink_to(mine)
        with pytest.raises(NotADirectoryError, match="is a link"):
            predict(scene)
        assert mine.read_text() == "mine"

    def test_a_file(self, tmp_path, scene):
        (tmp_path / ".map.tif.blocks").write_text("mine")
        with pytest.raises(NotADirectoryError, match="is a file"):
            predict(scene)

    def test_other_files_stay(self, tmp_path, scene):
        folder = tmp_path / ".map.tif.blocks"
        (folder / "more").mkdir(parents=True)
        others = ["letter.txt", "1.json", "000001_dem.tif", "more/000001.json"]
        for name in others:
            (folder / name).write_text("mine")
        (folder / "000007.json").write_text("left by a kill")
        (folder / ".000007.json.0a1b2c3d.partial").write_text("left, too")
        predict(scene)
        left = {
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if path.is_file()
        }
        assert left - {"lock"} == set(others)
        assert (tmp_path / "map.tif").exists()

    def test_own_files_go(self, tmp_path, scene):
        predict(scene, probabilities=tmp_path / "prob.tif")
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {"scene.tif", "map.tif", "prob.tif"}


KILLED = """
import os, pathlib, signal, sys
from keras_rsseg.scenes import write_polygons
from keras_rsseg.scenes.maps import polygon_files
def kill(*args):
    os.kill(os.getpid(), signal.SIGKILL)
polygon_files.{where} = kill
folder = pathlib.Path(sys.argv[1])
write_polygons(folder / "map.tif", folder / "map{suffix}")
"""


class TestPolygons:
    """The very next run removes what a kill has left."""

    @pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
    @pytest.mark.parametrize(
        "where, suffix",
        [
            ("_add_style", ".gpkg"),
            ("_publish", ".gpkg"),
            ("_write", ".geojson"),
        ],
    )
    def test_a_killed_run(self, tmp_path, scene, where, suffix):
        pytest.importorskip("pyogrio")
        predict(scene)
        script = KILLED.format(where=where, suffix=suffix)
        child = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)],
            cwd=ROOT,
            timeout=100,
            check=False,
        )
        assert child.returncode == -signal.SIGKILL
        assert any(path.name[0] == "." for path in tmp_path.iterdir())
        write_polygons(tmp_path / "map.tif", tmp_path / f"map{suffix}")
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {"scene.tif", "map.tif", f"map{suffix}"}

    def test_two_at_once(self, tmp_path, scene):
        pytest.importorskip("pyogrio")
        predict(scene)
        path = tmp_path / "map.gpkg"
        other = WorkFolder(tmp_path / ".map.gpkg.writing", path, "x")
        other.acquire()
        with pytest.raises(RuntimeError, match=r"map\.gpkg"):
            write_polygons(tmp_path / "map.tif", path)
        other.release()
        write_polygons(tmp_path / "map.tif", path)

    @pytest.mark.parametrize("suffix", [".gpkg", ".geojson"])
    def test_full_disk(self, tmp_path, suffix):
        pytest.importorskip("pyogrio")
        scene = write_scene(tmp_path / "scene.tif", random_scene(160, 150))
        predict(scene)
        path = tmp_path / f"map{suffix}"
        with limited_files(200_000):
            with pytest.raises(OSError, match=re.escape(path.name)):
                write_polygons(tmp_path / "map.tif", path)
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {"scene.tif", "map.tif"}


class TestFullDisk:
    """ "No space left on device", of which file?"""

    def test_the_file_is_named(self, tmp_path):
        path = tmp_path / "report.csv"
        with limited_files(1000), pytest.raises(OSError) as caught:
            write_durably(path, bytes(5000))
        assert str(path) in one_line(caught.value)
        assert list(tmp_path.iterdir()) == []

    def test_blocks(self, tmp_path, scene):
        with limited_files(1000), pytest.raises(OSError) as caught:
            predict(scene)
        assert str(tmp_path) in one_line(caught.value)
