"""Images find their masks, or are told what is missing."""

import pytest

from keras_rsseg.data.pair_files import check_order
from keras_rsseg.data.pair_files import find_files
from keras_rsseg.data.pair_files import matching_files
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import KerasRssegError
from keras_rsseg.errors import MaskError


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


def test_patterns_find_files_as_folders_do(folders):
    images, masks = folders(
        ["b.jpg", "a.tif", ".DS_Store", "._a.tif"], ["a.png", "b.png"]
    )
    found = matching_files(f"{images}/*", f"{masks}/*.png")
    assert [path.name for path in found[0]] == ["a.tif", "b.jpg"]
    assert [path.name for path in found[1]] == ["a.png", "b.png"]
    with pytest.raises(ArgumentError, match="No image matches the pattern"):
        matching_files(f"{images}/*.png", masks)


def test_names_that_share_numbers_match(folders):
    images, masks = matching_files(
        *folders(
            ["img_2.png", "img_10.png", "img_1.png"],
            ["mask_01.png", "mask_02.png", "mask_10.png"],
        )
    )
    pairs = {a.stem: b.stem for a, b in zip(images, masks, strict=True)}
    assert pairs == {
        "img_1": "mask_01",
        "img_2": "mask_02",
        "img_10": "mask_10",
    }


def test_numbers_are_ordered_by_their_value(folders):
    images, _ = folders(["a10.png", "a9.png", "a1.png", "b.png"], [])
    names = [path.name for path in find_files(images)]
    assert names == ["a1.png", "a9.png", "a10.png", "b.png"]


class TestCheckOrder:
    @pytest.mark.parametrize(
        "image, mask",
        [
            ("img_{}.png", "mask_{:02d}.png"),
            ("{}.tif", "{}.png"),
            ("tile_{}_2021.tif", "tile_{:03d}_labels.png"),
        ],
    )
    def test_another_order_is_refused(self, image, mask):
        names = [[name.format(i) for i in range(12)] for name in (image, mask)]
        check_order(*names)
        with pytest.raises(MaskError, match="of 12 pairs.*do not match"):
            check_order(names[0], names[1][1:] + names[1][:1])

    def test_a_file_too_few_in_each_list_is_seen(self):
        images = [f"img_{i}.png" for i in range(12) if i != 3]
        masks = [f"mask_{i}.png" for i in range(12) if i != 7]
        with pytest.raises(MaskError, match="4 of 11"):
            check_order(images, masks)

    @pytest.mark.parametrize(
        "images, masks",
        [
            (["a.png", "b.png"], ["1.png", "2.png"]),
            (["a_1.png", "b_1.png"], ["x_1.png", "y_1.png"]),
            (["2019.tif", "2020.tif"], ["2020.tif", "2021.tif"]),
            (["1.png"], ["2.png"]),
        ],
    )
    def test_names_that_say_nothing_pass(self, images, masks):
        check_order(images, masks)
