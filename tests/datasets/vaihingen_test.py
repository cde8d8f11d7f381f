"""Vaihingen: the official and IFWM's split, black borders void."""

import numpy as np
import pytest

tfds = pytest.importorskip("tensorflow_datasets")

from keras_rsseg.data import UnlistedColorWarning  # noqa: E402
from keras_rsseg.data import read_image  # noqa: E402
from keras_rsseg.data import read_mask  # noqa: E402
from keras_rsseg.datasets import facts  # noqa: E402
from keras_rsseg.datasets.vaihingen import TRAINING_AREAS  # noqa: E402
from keras_rsseg.errors import DatasetError  # noqa: E402
from tests.data.files import write_raster  # noqa: E402
from tests.datasets import make_vaihingen  # noqa: E402
from tests.datasets.builder_tester import BuilderTester  # noqa: E402
from tests.datasets.builder_tester import build  # noqa: E402
from tests.datasets.builder_tester import load  # noqa: E402
from tests.shared import shared_path  # noqa: E402

MASK = "top_mosaic_09cm_area1.tif"


class VaihingenTest(BuilderTester, tfds.testing.DatasetBuilderTestCase):
    NAME = "vaihingen"
    CONFIGS = ("corrected",)
    SPLITS = {"train": 16, "test": 17}
    make = make_vaihingen.make


class VaihingenIFWMTest(BuilderTester, tfds.testing.DatasetBuilderTestCase):
    NAME = "vaihingen"
    CONFIGS = ("ifwm",)
    SPLITS = {"train": 11, "test": 5}

    @staticmethod
    def make(folder):
        make_vaihingen.make(folder, TRAINING_AREAS, "gts_for_participants")


def test_ifwm_tests_on_the_areas_of_its_paper(tmp_path):
    make_vaihingen.make(tmp_path / "vaihingen", TRAINING_AREAS)
    test = load(build("vaihingen/ifwm", tmp_path), "test")
    assert set(test) == {"area11", "area15", "area28", "area30", "area34"}


def test_black_is_void_or_impervious_surface_as_released(tmp_path):
    folder = tmp_path / "vaihingen"
    make_vaihingen.make(folder)
    path = folder / make_vaihingen.COMPLETE / MASK
    black = (read_image(path) == 0).all(-1)
    assert black.sum() == 22

    corrected = load(build("vaihingen", tmp_path), "train")["area1"]
    released = load(build("vaihingen/released", tmp_path), "train")["area1"]
    mask = corrected["mask"][..., 0]
    np.testing.assert_array_equal(mask == 255, black)
    np.testing.assert_array_equal(
        released["mask"][..., 0], np.where(black, 0, mask)
    )
    np.testing.assert_array_equal(
        corrected["image"], read_image(folder / "top" / MASK)
    )
    assert corrected["image"].dtype == np.uint8


def test_eroded_reads_the_ground_truth_without_boundaries(tmp_path):
    folder = tmp_path / "vaihingen"
    make_vaihingen.make(folder)
    path = folder / make_vaihingen.ERODED / MASK.replace(".", "_noBoundary.")
    record = load(build("vaihingen/eroded", tmp_path), "train")["area1"]
    np.testing.assert_array_equal(
        record["mask"][..., 0],
        read_mask(path, palette=facts("vaihingen").to_palette()),
    )


def test_unlisted_colours_are_void_and_reported_once(tmp_path):
    folder = tmp_path / "vaihingen"
    make_vaihingen.make(folder)
    for area in (1, 2):
        name = f"top_mosaic_09cm_area{area}.tif"
        path = folder / make_vaihingen.COMPLETE / name
        colors = read_image(path)
        colors[0, :area] = 7, 8, 9
        write_raster(path, colors)
    with pytest.warns(UnlistedColorWarning) as caught:
        builder = build("vaihingen", tmp_path)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "(7, 8, 9): 3" in message
    assert "area1.tif" in message and "area2.tif" in message
    test = load(builder, "test")["area2"]
    assert (test["mask"][0, :2] == 255).all()
    # Silently, like the converter: warnings are errors here.
    released = load(build("vaihingen/released", tmp_path), "test")["area2"]
    assert (released["mask"][0, :2] == 0).all()


def test_no_test_split_without_the_complete_ground_truth(tmp_path):
    folder = tmp_path / "vaihingen"
    make_vaihingen.make(folder, masks="gts_for_participants", eroded=None)
    for area in make_vaihingen.AREAS:
        if area not in TRAINING_AREAS:
            name = f"top_mosaic_09cm_area{area}.tif"
            (folder / "gts_for_participants" / name).unlink()
    with pytest.warns(UserWarning, match="left out test"):
        builder = build("vaihingen", tmp_path)
    assert list(builder.info.splits) == ["train"]


def test_archives_unpacked_elsewhere_are_found(tmp_path):
    """The archive of images has a folder, that of ground truth has none."""
    folder = tmp_path / "vaihingen" / make_vaihingen.ARCHIVE
    make_vaihingen.make(folder, masks=".", eroded=None)
    builder = build("vaihingen", tmp_path)
    assert builder.info.splits["test"].num_examples == 17


def test_an_error_lists_all_that_is_missing(tmp_path):
    folder = tmp_path / "vaihingen"
    make_vaihingen.make(folder)
    (folder / "top" / MASK).rename(folder / "top" / "area1.tif")
    for area in (2, 4):
        name = f"top_mosaic_09cm_area{area}.tif"
        (folder / make_vaihingen.COMPLETE / name).unlink()
    with pytest.raises(DatasetError) as caught:
        build("vaihingen", tmp_path)
    message = str(caught.value)
    assert "files missing: 3" in message
    assert f"top/{MASK}" in message
    assert f"{make_vaihingen.COMPLETE}/top_mosaic_09cm_area4.tif" in message
    assert str(folder) in message
    assert "vaihingen/partial" in message


def test_a_long_list_of_missing_files_is_cut(tmp_path):
    make_vaihingen.make(tmp_path / "vaihingen", areas=[1])
    with pytest.raises(FileNotFoundError, match="files missing: 30") as info:
        build("vaihingen/ifwm", tmp_path)
    assert "and 20 more" in str(info.value)


def test_sizes_must_agree(tmp_path):
    folder = tmp_path / "vaihingen"
    make_vaihingen.make(folder)
    write_raster(folder / "top" / MASK, np.zeros((9, 14, 3), "uint8"))
    with pytest.raises(DatasetError, match="9x14.*area1.tif of 11x14"):
        build("vaihingen", tmp_path)


def test_genuine_tile(tmp_path):
    """A real tile, coloured like the ground truth."""
    sample = shared_path("data", "samples", "vaihingen")
    image = read_image(sample / "image_area1_0_0_512_512.png")
    ids = read_mask(sample / "label_index_area1_0_0_512_512.png")
    folder = tmp_path / "vaihingen"
    (folder / "top").mkdir(parents=True)
    (folder / "gts_for_participants").mkdir()
    palette = facts("vaihingen").to_palette()
    write_raster(folder / "top" / MASK, image)
    write_raster(folder / "gts_for_participants" / MASK, palette.to_rgb(ids))
    builder = build("vaihingen/partial", tmp_path)
    assert list(builder.info.splits) == ["train"]
    record = load(builder, "train")["area1"]
    np.testing.assert_array_equal(record["image"], image)
    counts = np.bincount(record["mask"].ravel(), minlength=256)
    names = builder.info.metadata["class_names"]
    assert dict(zip(names, counts.tolist(), strict=False)) == {
        "impervious_surface": 21283,
        "building": 135362,
        "low_vegetation": 79847,
        "tree": 16532,
        "car": 4908,
        "clutter": 4212,
    }
    assert counts[255] == 0
