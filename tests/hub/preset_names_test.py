"""What users write for a preset is understood, or corrected."""

import pathlib
import shutil

import pytest

import keras_rsseg
from keras_rsseg.errors import PresetError
from keras_rsseg.hub import preset_folder
from keras_rsseg.hub.client import Handle
from keras_rsseg.hub.client import parse_handle
from keras_rsseg.hub.preset_folder import resolve_preset


@pytest.fixture
def asked(monkeypatch):
    """The handles that would have been downloaded."""
    handles = []

    def download(handle, load_weights):
        handles.append(handle)
        return pathlib.Path("cache")

    monkeypatch.setattr(preset_folder, "download_preset", download)
    return handles


def said(preset, **arguments):
    with pytest.raises(PresetError) as error:
        keras_rsseg.from_preset(preset, **arguments)
    return str(error.value)


class TestUnderstood:
    @pytest.mark.parametrize(
        "written, revision",
        [
            ("hf://org/na.me-1", None),
            ("hf://org/na.me-1/", None),
            ("https://huggingface.co/org/na.me-1", None),
            ("http://huggingface.co/org/na.me-1/", None),
            ("huggingface.co/org/na.me-1?library=keras", None),
            ("https://hf.co/org/na.me-1", None),
            ("https://huggingface.co/org/na.me-1/tree/v2", "v2"),
            ("https://huggingface.co/org/na.me-1/blob/main/task.json", "main"),
        ],
    )
    def test_pages_of_the_hub(self, asked, written, revision):
        assert resolve_preset(written)[1]
        assert asked == [Handle("org/na.me-1", revision)]

    def test_home(self, preset, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        shutil.copytree(preset, tmp_path / "mine")
        assert resolve_preset("~/mine") == (tmp_path / "mine", False)
        assert "folder" in said("~nobody_of_this_name/mine")


class TestAnswered:
    @pytest.mark.parametrize(
        "written, meant",
        [
            ("org/name", "hf://org/name"),
            ("hf:org/name", "hf://org/name"),
            ("hf:/org/name", "hf://org/name"),
            ("org/name@v2", "hf://org/name@v2"),
            ("hrnet_w18_dubi", "hrnet_w18_dubai"),
            ("HRNet_W18_Dubai", "hrnet_w18_dubai"),
            ("hrnet-w18-dubai", "hrnet_w18_dubai"),
            ("hrnet_w18_dubai/", "hrnet_w18_dubai"),
            (" hrnet_w18_dubai", "hrnet_w18_dubai"),
        ],
    )
    def test_near_misses(self, written, meant):
        assert f"Did you mean {meant}" in said(written)

    def test_files_and_folders_around_it(self, preset, tmp_path):
        folder = shutil.copytree(preset, tmp_path / "runs" / "my_preset")
        assert f"its folder, {folder}" in said(folder / "task.json")
        assert "contains these presets: my_preset" in said(folder.parent)
        assert f"Did you mean {folder}?" in said(folder.parent / "my_prset")
        (tmp_path / "model.keras").write_bytes(b"x")
        assert "load_model()" in said(tmp_path / "model.keras")


class TestRefused:
    @pytest.mark.parametrize(
        "preset", ["", "  ", "a\nb", "a\0b", "hf://org/name\n", None, 3, b"x"]
    )
    def test_no_line_of_text(self, preset):
        assert repr(preset) in said(preset)

    @pytest.mark.parametrize(
        "handle",
        [
            "hf://../name",
            "hf://org/..",
            "hf://org/a..b",
            "hf://org/nämé",
            "hf://org/name/../other",
            "https://huggingface.co/datasets/org/name",
        ],
    )
    def test_no_handle(self, handle, asked):
        said(handle)
        assert not asked

    @pytest.mark.parametrize(
        "revision", ["../x", "a b", "v1\n", "v\0", "", "@", "é"]
    )
    def test_no_revision(self, revision, asked):
        with pytest.raises(PresetError, match="`revision` must be a branch"):
            parse_handle("hf://org/name", revision)
        said("hf://org/name", revision=revision)
        assert not asked

    def test_package_folders_are_not_left(self):
        assert "package://../x" in said("package://../x")
