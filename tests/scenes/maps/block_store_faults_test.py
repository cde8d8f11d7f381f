"""Full disks, kills and second runs leave no broken map."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import rasterio

from keras_rsseg.scenes.maps.class_map import Legend
from tests.scenes.stored_maps import NAMES
from tests.scenes.stored_maps import make_products
from tests.scenes.stored_maps import open_store
from tests.scenes.stored_maps import read_raster
from tests.scenes.stored_maps import write_block
from tests.scenes.stored_runs import BLOCKS
from tests.scenes.stored_runs import FOLDER
from tests.scenes.stored_runs import PROBABILITIES
from tests.scenes.stored_runs import assert_complete
from tests.scenes.stored_runs import finish
from tests.scenes.stored_runs import interrupt
from tests.scenes.stored_runs import store_of

ROOT = pathlib.Path(__file__).parents[3]
# `kill` stands in for something at the given time.
CHILD = """
import os, pathlib, signal, sys
from keras_rsseg.scenes.maps import block_store, cog
from tests.scenes import stored_maps
from tests.scenes import stored_runs as test

def kill(*args):
    os.kill(os.getpid(), signal.SIGKILL)

def second(function):
    calls = []
    def call(*args):
        calls.append(args)
        return kill() if len(calls) == 2 else function(*args)
    return call

folder = pathlib.Path(sys.argv[1])
{line}
with test.store_of(folder) as store:
    for block in test.BLOCKS:
        stored_maps.write_block(store, block, test.PROBABILITIES)
        if block.number == 2 and "waits" in sys.argv:
            print("locked", flush=True)
            sys.stdin.read()
    store.publish(test.Legend(stored_maps.NAMES))
"""
RECORD = "block_store.BlockRecord.write"
# Where a run is killed, and how many blocks are done by then.
KILLED = {
    "in a block": (f"{RECORD} = second({RECORD})", 1),
    "in a map": ("cog._is_complete = kill", 4),
    "in the last map": ("cog._is_complete = second(cog._is_complete)", 4),
    "before the renaming": ("block_store._move = kill", 4),
}
posix = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
BETWEEN = "block_store._move = second(block_store._move)"


def start_child(tmp_path, line="", *args):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD.format(line=line), str(tmp_path), *args],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_child(tmp_path, line):
    child = start_child(tmp_path, line)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL


@contextlib.contextmanager
def limited_files(size):
    """A full disk, as far as it can be simulated."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


class TestFaults:
    def test_two_runs_on_one_destination(self, tmp_path):
        with store_of(tmp_path) as store:
            write_block(store, BLOCKS[0], PROBABILITIES)
            for resume in (False, True):
                with pytest.raises(RuntimeError, match="Another run is writ"):
                    with store_of(tmp_path, resume=resume):
                        raise AssertionError
            for block in BLOCKS[1:]:
                write_block(store, block, PROBABILITIES)
            store.publish(Legend(NAMES))
        assert_complete(tmp_path)

    def test_two_processes_and_no_lock_of_a_killed_one(self, tmp_path):
        child = start_child(tmp_path, "", "waits")
        try:
            assert child.stdout.readline() == "locked\n"
            with pytest.raises(RuntimeError, match="Another run is writing"):
                with store_of(tmp_path, resume=True):
                    raise AssertionError
        finally:
            child.kill()
            child.communicate()
        assert finish(tmp_path, resume=True) == [3]
        assert_complete(tmp_path)

    @posix
    @pytest.mark.parametrize("where", KILLED)
    def test_killed(self, tmp_path, where):
        line, done = KILLED[where]
        folders = [tmp_path / name for name in ("resumed", "new")]
        folders[0].mkdir()
        run_child(folders[0], line)
        assert os.listdir(folders[0]) == [FOLDER]
        shutil.copytree(*folders)
        assert len(finish(folders[0], resume=True)) == 4 - done
        assert finish(folders[1]) == [0, 1, 2, 3]
        for folder in folders:
            assert_complete(folder)

    @posix
    def test_killed_between_two_renamings(self, tmp_path):
        """No classes, no map; files already in place are no obstacle."""
        run_child(tmp_path, BETWEEN)
        assert sorted(os.listdir(tmp_path)) == [FOLDER, "doubt.tif"]
        assert finish(tmp_path, resume=True) == []
        assert_complete(tmp_path)

    def test_a_full_disk_while_a_block_is_written(self, tmp_path):
        products = make_products(tmp_path)
        with pytest.raises(OSError) as caught, store_of(tmp_path) as store:
            write_block(store, BLOCKS[0], PROBABILITIES)
            before = sorted(os.listdir(store.folder))
            with limited_files(1500):
                write_block(store, BLOCKS[1], PROBABILITIES)
        assert caught.value.errno is not None
        left = sorted(os.listdir(tmp_path / FOLDER))
        assert [name for name in left if name.endswith(".partial")] == []
        assert set(before) <= set(left)
        assert not any(product.path.exists() for product in products)
        assert finish(tmp_path, resume=True) == [1, 2, 3]
        assert_complete(tmp_path)

    @pytest.mark.parametrize("kept", [0.05, 0.5, 0.95, 0.999])
    def test_a_full_disk_while_maps_are_made(self, tmp_path, kept):
        finish(tmp_path)
        size = (tmp_path / "shares.tif").stat().st_size
        (tmp_path / "map.tif").write_bytes(b"old")
        interrupt(tmp_path, 4)
        with pytest.raises(OSError, match="could not be written completely"):
            with limited_files(int(kept * size)):
                with store_of(tmp_path, resume=True, overwrite=True) as store:
                    store.publish(Legend(NAMES))
        assert (tmp_path / "map.tif").read_bytes() == b"old"
        for name in os.listdir(tmp_path / FOLDER):
            assert name in ("lock", "settings.json") or name[:4] == "0000"
        assert finish(tmp_path, resume=True, overwrite=True) == []
        assert_complete(tmp_path)

    def test_a_map_that_is_not_what_was_stored(self, tmp_path, monkeypatch):
        """As after a fault of the disk or GDAL."""
        copy = rasterio.shutil.copy

        def wrong(mosaic, path, **options):
            copy(mosaic, path, **options)
            with rasterio.open(
                path, "r+", IGNORE_COG_LAYOUT_BREAK=True
            ) as map_:
                map_.write(np.ones((1, 1), "uint8"), 1, window=((3, 4), (5, 6)))

        monkeypatch.setattr("rasterio.shutil.copy", wrong)
        with pytest.raises(
            OSError, match="read back differs from what was written"
        ):
            finish(tmp_path)
        assert os.listdir(tmp_path) == [FOLDER]
        monkeypatch.undo()
        assert finish(tmp_path, resume=True) == []
        assert_complete(tmp_path)

    def test_a_map_that_appears_meanwhile_is_kept(self, tmp_path):
        with pytest.raises(FileExistsError, match="finished map") as caught:
            with store_of(tmp_path) as store:
                for block in BLOCKS:
                    write_block(store, block, PROBABILITIES)
                (tmp_path / "shares.tif").write_bytes(b"precious")
                store.publish(Legend(NAMES))
        assert (tmp_path / "shares.tif").read_bytes() == b"precious"
        finished = tmp_path / FOLDER / "probabilities.tif"
        assert str(finished) in str(caught.value)
        assert len(read_raster(finished)) == 4
        assert not (tmp_path / "map.tif").exists()
        assert finish(tmp_path, resume=True, overwrite=True) == []
        assert_complete(tmp_path)

    def test_what_a_killed_run_left_in_other_folders(self, tmp_path):
        other = tmp_path / "other"
        other.mkdir()
        products = make_products(tmp_path)[:1] + make_products(other)[1:2]
        with open_store(products, PROBABILITIES) as store:
            begun = store._begun(products[1])
        assert begun.parent == other and begun.name.startswith(".shares.tif.")
        for suffix in ("", ".ovr.tmp"):
            begun.with_name(begun.name + suffix).write_bytes(b"left")
        (other / ".shares.tif.backup").write_bytes(b"precious")
        with open_store(products, PROBABILITIES):
            pass
        assert os.listdir(other) == [".shares.tif.backup"]

    def test_a_folder_that_cannot_be_written(self, tmp_path, monkeypatch):
        """With a stand-in, as tests can run as root."""

        def refused(*args, **kwargs):
            raise PermissionError(13, "Permission denied", str(tmp_path))

        monkeypatch.setattr("pathlib.Path.mkdir", refused)
        with pytest.raises(PermissionError, match="denied"):
            with store_of(tmp_path):
                raise AssertionError
        assert os.listdir(tmp_path) == []

    def test_a_folder_that_is_gone(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=FOLDER):
            with store_of(tmp_path / "nowhere"):
                raise AssertionError
