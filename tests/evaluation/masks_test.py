"""Images find their masks, or are told what is missing."""

import pytest

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import KerasRssegError
from keras_rsseg.errors import MaskError
from keras_rsseg.evaluation.masks import matching_files


@pytest.fixture
def folders(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()

    def fill(images, masks):
        for folder, names in (("images", images), ("masks", masks)):
            for name in names:
                (tmp_path / folder / name).touch()
        return tmp_path / "images", tmp_path / "masks"

    return fill


def test_files_match_by_name_whatever_the_suffix(folders):
    images, masks = matching_files(
        *folders(
            ["b.jpg", "a.tif", "a.tfw", ".hidden.png", "notes.txt"],
            ["a.png", "b.PNG", "b.PNG.aux.xml"],
        )
    )
    assert [path.name for path in images] == ["a.tif", "b.jpg"]
    assert [path.name for path in masks] == ["a.png", "b.PNG"]


def test_single_files_need_no_common_name(folders):
    images, masks = folders(["x.tif"], ["y.png"])
    found = matching_files(images / "x.tif", str(masks / "y.png"))
    assert [len(paths) for paths in found] == [1, 1]


@pytest.mark.parametrize(
    "images, masks, message",
    [
        (["a.png", "b.png", "c.png"], ["a.png"], "2 of 3 .*masks: b, c"),
        (["a.png"], ["a.png", "d.png"], "1 of 2 .*images: d"),
        (["a.png"], ["a_mask.png"], "masks: a .*There are: a_mask"),
        (["a.png", "a.jpg"], ["a.png"], "a.jpg, a.png"),
        ([], ["a.png"], "images holds no images"),
        (["a.png"], ["a.txt"], "masks holds no images"),
    ],
)
def test_errors(folders, images, masks, message):
    with pytest.raises(KerasRssegError, match=message):
        matching_files(*folders(images, masks))


def test_long_lists_are_cut(folders):
    names = [f"{i:02}.png" for i in range(20)]
    with pytest.raises(MaskError, match="06, 07 and 12 more"):
        matching_files(*folders(names, ["x.png"]))


def test_a_folder_and_a_file(folders):
    images, masks = folders(["a.png"], ["a.png"])
    with pytest.raises(ArgumentError, match="two folders or two files"):
        matching_files(images, masks / "a.png")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        matching_files(images, masks / "nowhere")
