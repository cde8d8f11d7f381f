"""A file that others rely on is replaced as a whole, or unchanged."""

import os

import pytest

from keras_rsseg.files import hidden_path
from keras_rsseg.files import no_file
from keras_rsseg.files import partial_path
from keras_rsseg.files import remove_file
from keras_rsseg.files import remove_partials
from keras_rsseg.files import replace_durably
from keras_rsseg.files import write_durably


@pytest.mark.parametrize("as_given", [str, lambda path: path])
def test_a_file_is_written_or_replaced(tmp_path, as_given):
    path = tmp_path / "report.json"
    write_durably(as_given(path), b"one")
    write_durably(as_given(path), memoryview(b"two"))
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["report.json"]


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt])
def test_what_was_there_stays_where_writing_fails(tmp_path, monkeypatch, error):
    path = tmp_path / "report.json"
    write_durably(path, b"one")

    def fail(descriptor):
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((OSError, KeyboardInterrupt)):
        write_durably(path, b"two")
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_file_takes_the_place_of_another(tmp_path):
    source, path = tmp_path / ".begun", tmp_path / "map.tif"
    source.write_bytes(b"new")
    path.write_bytes(b"old")
    replace_durably(source, path)
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["map.tif"]


def test_partial_paths_are_hidden_and_differ(tmp_path):
    paths = {partial_path(tmp_path / "map.tif") for _ in range(3)}
    assert len(paths) == 3
    for path in paths:
        assert path.parent == tmp_path and path.stat().st_size == 0
        assert path.name.startswith(".map.tif.")


def test_a_slip_in_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "scenes").mkdir()
    for name in ("harbour.tif", "other.tif", "scenes/North.TIF"):
        (tmp_path / name).touch()
    for given, near in {
        "harbor.tif": "harbour.tif",
        "scenes/north.tif": "scenes/North.TIF",
        "scnes/North.TIF": "scenes/North.TIF",
        f"{tmp_path}/harbuor.tif": f"{tmp_path}/harbour.tif",
        "~/other.tif": f"{tmp_path}/other.tif",
    }.items():
        assert no_file(given).endswith(f"Did you mean {near}?"), given
    for given in ("x.tif", "scnes/x.tif", "a/b/c.tif", "", "harbour.tif/x"):
        assert no_file(given) == f"there is no file {given}"


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays(tmp_path, is_there):
    (tmp_path / "disk").mkdir()
    target = tmp_path / "disk/report.json"
    if is_there:
        target.write_bytes(b"old")
    path = tmp_path / "report.json"
    path.symlink_to("disk/report.json")
    write_durably(path, b"one")
    assert target.read_bytes() == b"one"
    (tmp_path / "disk/.begun").write_bytes(b"two")
    replace_durably(tmp_path / "disk/.begun", path)
    assert target.read_bytes() == b"two"
    assert path.is_symlink()
    assert os.listdir(tmp_path / "disk") == ["report.json"]


def test_long_names(tmp_path):
    """A name of 255 bytes, the limit of file systems."""
    paths = [tmp_path / (letter * 82 + "x.json") for letter in "街路"]
    for path in paths:
        write_durably(path, b"long")
        remove_file(path.with_name(path.name + ".aux.xml"))
    names = {hidden_path(path, ".blocks").name for path in paths}
    assert len(names) == 2
    for name in names:
        assert name.startswith(".") and name.endswith(".blocks")
        assert len(os.fsencode(name)) <= 240
    assert hidden_path(tmp_path / "a.tif", ".blocks").name == ".a.tif.blocks"
    assert sorted(os.listdir(tmp_path)) == sorted(p.name for p in paths)


def test_what_killed_runs_left_is_removed(tmp_path):
    folder = tmp_path / "roofs"
    folder.mkdir()
    beside = tmp_path / ".roofs.0123abcd.partial"
    beside.mkdir()
    (beside / "task.json").touch()
    partial_path(folder / "card.json")
    others = (
        tmp_path / ".roofs.training",
        tmp_path / ".roofs2.0123abcd.partial",
        folder / ".notes.partial",
        folder / "task.json",
    )
    for path in others:
        path.touch()
    remove_partials(folder)
    left = {path for path in tmp_path.rglob("*") if path != folder}
    assert left == set(others)
    remove_partials(tmp_path / "nowhere" / "roofs")
