"""A preset appears whole or not at all, whatever stops the saving."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

import keras_rsseg
from keras_rsseg.errors import PresetError
from keras_rsseg.hub import preset_writer
from keras_rsseg.hub.preset_files import check_sums
from keras_rsseg.hub.preset_files import preset_files
from keras_rsseg.hub.preset_files import sha256
from keras_rsseg.hub.preset_writer import written_whole

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Copies the files of one preset over those of another, until it is killed.
KILLED = """
import os, shutil, signal, sys
from keras_rsseg.hub import preset_writer

new, place, moment = sys.argv[1], sys.argv[2], int(sys.argv[3])
replace = os.replace

def replace_some(*paths):
    global moment
    moment -= 1
    if moment < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*paths)

with preset_writer.written_whole(place) as folder:
    shutil.copytree(new, folder, dirs_exist_ok=True)
    os.replace = replace_some
    moment += 2  # of the metadata
"""


@pytest.fixture
def other(preset, tmp_path):
    """Another preset, which differs from the one below in all files."""
    folder = shutil.copytree(preset, tmp_path / "other")
    for path in preset_files(folder):
        if path.name != "metadata.json":
            path.write_bytes(path.read_bytes() + b"\n")
    return folder


def state(folder):
    return {
        path.name: sha256(path)
        for path in preset_files(folder)
        if path.name != "metadata.json"
    }


def save(new, place):
    with written_whole(place) as folder:
        shutil.copytree(new, folder, dirs_exist_ok=True)


def test_a_new_one_and_one_over_another(preset, other, tmp_path):
    place = tmp_path / "deep" / "place"
    save(preset, place)
    assert state(place) == state(preset)
    (place / "README.md").write_text("mine")
    (place / "logs").mkdir()
    (place / "model_00000.weights.h5").write_text("a shard of before")
    save(other, place)
    check_sums(place)
    assert state(place) == state(other)
    assert (place / "README.md").read_text() == "mine"
    hidden = [path for path in place.iterdir() if path.name[0] == "."]
    assert not hidden and (place / "logs").is_dir()
    # For sharing, like any folder.
    (tmp_path / "any").mkdir()
    assert place.stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_link_to_a_folder_stays_one(preset, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    save(preset, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert state(tmp_path / "real") == state(preset)


def test_a_file_is_in_the_way(preset, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileExistsError, match="A preset is a folder"):
        save(preset, tmp_path / "file")


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt])
def test_a_save_that_fails_changes_nothing(preset, other, tmp_path, stop):
    place = shutil.copytree(preset, tmp_path / "place")
    for target in (place, tmp_path / "new"):
        with pytest.raises(stop), written_whole(target) as folder:
            shutil.copy(other / "task.json", folder)
            raise stop
    check_sums(place)
    assert state(place) == state(preset)
    assert {path.name for path in tmp_path.iterdir()} == {"place", "other"}


@pytest.mark.parametrize("moment", range(7))
def test_an_error_while_files_are_exchanged(
    preset, other, tmp_path, monkeypatch, moment
):
    place = shutil.copytree(preset, tmp_path / "place")
    replace = os.replace
    calls = iter(range(100))

    def fail(*paths):
        if next(calls) == moment + 2:  # two write the metadata
            raise OSError("no space left")
        replace(*paths)

    monkeypatch.setattr(preset_writer.os, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        save(other, place)
    check_sums(place)
    assert state(place) == state(preset)
    assert not [path for path in place.iterdir() if path.name[0] == "."]


@pytest.mark.parametrize("moment", [0, 1, 3, 6])
def test_a_kill_while_files_are_exchanged(preset, other, tmp_path, moment):
    place = shutil.copytree(preset, tmp_path / "place")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, other, place, str(moment)],
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    if moment == 0:
        check_sums(place)
        assert state(place) == state(preset)
        return
    with pytest.raises(PresetError, match=str(place)):
        keras_rsseg.from_preset(place)
    # Nothing is lost: files not in place are in the hidden folder.
    (hidden,) = (path for path in place.iterdir() if path.name[0] == ".")
    found = {sha256(p) for p in hidden.rglob("*") if p.is_file()}
    found |= set(state(place).values())
    assert {*state(preset).values(), *state(other).values()} <= found


def test_encoders_too(tmp_path):
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    encoder.save_to_preset(tmp_path / "encoder")
    path = tmp_path / "encoder" / "model.weights.h5"
    check_sums(path.parent)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(PresetError, match=r"model\.weights\.h5.*SHA-256"):
        keras_rsseg.encoders.ResNetEncoder.from_preset(path.parent)
