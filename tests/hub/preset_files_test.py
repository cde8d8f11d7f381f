"""A preset of a later version is recognised, with a clear error."""

import json
import shutil

import keras
import pytest

import keras_rsseg
from keras_rsseg import files
from keras_rsseg.hub.preset_files import METADATA
from keras_rsseg.hub.preset_files import newer_versions
from keras_rsseg.hub.preset_files import record_sums
from keras_rsseg.hub.preset_files import record_version


@pytest.fixture
def folder(preset, tmp_path):
    return shutil.copytree(preset, tmp_path / "copy")


def change(path, function):
    content = json.loads(path.read_text())
    function(content)
    path.write_text(json.dumps(content))
    record_sums(path.parent)


def say_newer(metadata):
    metadata["keras_rsseg_version"] = "99.1"


def add_argument(task):
    task["config"]["backbone"]["config"]["colour"] = "red"


def test_saved_presets_tell_their_version(folder):
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata["keras_rsseg_version"] == keras_rsseg.__version__
    assert metadata["keras_version"] == keras.__version__
    assert newer_versions(folder) == []


def test_later_versions_are_found(folder):
    change(folder / "metadata.json", say_newer)
    (newer,) = newer_versions(folder)
    assert newer == f"keras_rsseg 99.1 (here: {keras_rsseg.__version__})"
    change(
        folder / "metadata.json",
        lambda metadata: metadata.update(
            keras_rsseg_version="strange", keras_version="99"
        ),
    )
    assert [line.split()[:2] for line in newer_versions(folder)] == [
        ["keras", "99"]
    ]


@pytest.mark.parametrize("content", [None, "", "{", "[]"])
def test_metadata_that_nobody_can_read(folder, content):
    path = folder / "metadata.json"
    path.unlink() if content is None else path.write_text(content)
    assert newer_versions(folder) == []


def test_unknown_argument_of_a_later_version(folder):
    change(folder / "task.json", add_argument)
    change(folder / "metadata.json", say_newer)
    with pytest.raises(
        ValueError, match=r"(?s)saved by keras_rsseg 99.1.*upgrade.*colour"
    ):
        keras_rsseg.from_preset(folder)
    # The preset is at fault here, not the user's own arguments.
    with pytest.raises(ValueError, match="saved by keras_rsseg 99.1"):
        keras_rsseg.from_preset(folder, num_classes=2)


def test_unknown_argument_of_the_same_version(folder):
    change(folder / "task.json", add_argument)
    with pytest.raises(ValueError, match=r"(?s)cannot be built.*colour"):
        keras_rsseg.from_preset(folder)


def test_unknown_task_of_a_later_version(folder):
    change(folder / "metadata.json", say_newer)
    change(
        folder / "task.json",
        lambda task: task.update(registered_name="keras_rsseg>NewNet"),
    )
    with pytest.raises(ValueError, match="NewNet.*saved by keras_rsseg 99.1"):
        keras_rsseg.from_preset(folder)


def test_a_crash_leaves_the_metadata_that_was_there(folder, monkeypatch):
    before = (folder / METADATA).read_bytes()

    def crash(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        record_version(folder)
    assert (folder / METADATA).read_bytes() == before
    assert not list(folder.glob(".*"))
