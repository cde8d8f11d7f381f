"""iSAID: official split; on request, like the released converter."""

import numpy as np
import pytest

tfds = pytest.importorskip("tensorflow_datasets")

from keras_rsseg.data import UnlistedColorWarning  # noqa: E402
from keras_rsseg.data import read_image  # noqa: E402
from keras_rsseg.errors import DatasetError  # noqa: E402
from keras_rsseg.errors import MissingFilesError  # noqa: E402
from tests.data.files import write_raster  # noqa: E402
from tests.datasets import make_isaid  # noqa: E402
from tests.datasets.builder_tester import BuilderTester  # noqa: E402
from tests.datasets.builder_tester import build  # noqa: E402
from tests.datasets.builder_tester import load  # noqa: E402
from tests.shared import shared_path  # noqa: E402

SIZES = {"train": 3, "validation": 2}


class IsaidTest(BuilderTester, tfds.testing.DatasetBuilderTestCase):
    NAME = "isaid"
    CONFIGS = ("corrected", "partial")
    SPLITS = SIZES
    SIZES = SIZES
    make = make_isaid.make


def test_released_skips_two_images_and_makes_the_unlisted_background(tmp_path):
    folder = tmp_path / "isaid"
    make_isaid.make(folder, masks="images")
    path = folder / "train/images/P0000_instance_color_RGB.png"
    colors = read_image(path)
    colors[2, 3] = 1, 2, 3
    write_raster(path, colors)
    with pytest.warns(UnlistedColorWarning, match=r"\(1, 2, 3\): 1"):
        corrected = build("isaid", tmp_path, SIZES)
    released = build("isaid/released", tmp_path, SIZES)
    assert set(load(corrected, "train")) == {"P0000", "P0002", "P1527"}
    assert set(load(released, "train")) == {"P0000", "P0002"}
    assert set(load(released, "validation")) == {"P0003"}
    assert load(corrected, "train")["P0000"]["mask"][2, 3] == 255
    assert load(released, "train")["P0000"]["mask"][2, 3] == 0


def test_a_download_that_stopped_early_is_found_out(tmp_path):
    make_isaid.make(tmp_path / "isaid")
    with pytest.raises(MissingFilesError) as caught:
        build("isaid", tmp_path, {"train": 1411, "validation": 458})
    message = str(caught.value)
    assert "train has 3 scenes instead of 1411" in message
    assert "validation has 2 scenes instead of 458" in message


def test_a_mask_without_its_image_is_missing(tmp_path):
    folder = tmp_path / "isaid"
    make_isaid.make(folder)
    (folder / "val" / "images" / "P0003.png").unlink()
    with pytest.raises(FileNotFoundError, match="files missing: 1\n.*val/"):
        build("isaid", tmp_path, SIZES)


def test_an_empty_folder_is_no_data_set(tmp_path):
    (tmp_path / "isaid").mkdir()
    for config in ("corrected", "partial"):
        with pytest.raises(FileNotFoundError, match="Looked in: .*isaid"):
            build(f"isaid/{config}", tmp_path)


def test_an_image_that_breaks_off_is_found_out(tmp_path):
    folder = tmp_path / "isaid"
    make_isaid.make(folder)
    path = folder / "train" / "images" / "P0002.png"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ValueError, match="P0002.png"):
        build("isaid", tmp_path, SIZES)


def test_grey_and_transparent_images_have_three_bands(tmp_path):
    folder = tmp_path / "isaid"
    make_isaid.make(folder)
    images = folder / "train" / "images"
    pixels = read_image(images / "P0000.png")
    write_raster(images / "P0000.png", pixels[..., 0])
    alpha = np.full((*pixels.shape[:2], 1), 99, "uint8")
    write_raster(images / "P0002.png", np.concatenate([pixels, alpha], -1))
    records = load(build("isaid", tmp_path, SIZES), "train")
    np.testing.assert_array_equal(
        records["P0000"]["image"], np.repeat(pixels[..., :1], 3, -1)
    )
    np.testing.assert_array_equal(records["P0002"]["image"], pixels)


def test_images_of_16_bits_are_refused(tmp_path):
    folder = tmp_path / "isaid"
    make_isaid.make(folder)
    path = folder / "train" / "images" / "P0002.png"
    write_raster(path, np.zeros((11, 14, 3), "uint16"))
    with pytest.raises(DatasetError, match="P0002.png must have 3 bands of 8"):
        build("isaid", tmp_path, SIZES)


def test_genuine_images(tmp_path):
    (tmp_path / "isaid").symlink_to(shared_path("data", "samples", "isaid"))
    builder = build("isaid/partial", tmp_path)
    names = builder.info.metadata["class_names"]
    found = {}
    for split in ("train", "validation"):
        for name, record in load(builder, split).items():
            assert record["image"].shape == (*record["mask"].shape[:2], 3)
            counts = np.bincount(record["mask"].ravel(), minlength=256)
            assert counts[len(names) :].sum() == 0
            found[split, name, record["mask"].shape] = {
                class_name: int(count)
                for class_name, count in zip(names, counts, strict=False)
                if count
            }
    assert found == {
        ("train", "P0005", (977, 884, 1)): {
            "background": 708285,
            "large_vehicle": 135058,
            "small_vehicle": 20325,
        },
        ("validation", "P0003", (1023, 1147, 1)): {
            "background": 1098554,
            "storage_tank": 403,
            "large_vehicle": 62704,
            "small_vehicle": 11720,
        },
    }
    image = load(builder, "train")["P0005"]["image"]
    path = tmp_path / "isaid" / "train" / "images" / "P0005.png"
    np.testing.assert_array_equal(image, read_image(path))
