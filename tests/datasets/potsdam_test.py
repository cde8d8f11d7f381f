"""Potsdam: the official split; two damaged masks are repaired."""

import numpy as np
import pytest

tfds = pytest.importorskip("tensorflow_datasets")

from keras_rsseg.data import read_image  # noqa: E402
from keras_rsseg.data import read_mask  # noqa: E402
from keras_rsseg.datasets import facts  # noqa: E402
from keras_rsseg.datasets import potsdam  # noqa: E402
from tests.data.files import write_raster  # noqa: E402
from tests.datasets import make_potsdam  # noqa: E402
from tests.datasets.builder_tester import BuilderTester  # noqa: E402
from tests.datasets.builder_tester import build  # noqa: E402
from tests.datasets.builder_tester import load  # noqa: E402
from tests.shared import shared_path  # noqa: E402


class PotsdamTest(BuilderTester, tfds.testing.DatasetBuilderTestCase):
    NAME = "potsdam"
    CONFIGS = ("corrected",)
    SPLITS = {"train": 24, "test": 14}
    make = make_potsdam.make


def test_eroded_reads_the_ground_truth_without_boundaries(tmp_path):
    folder = tmp_path / "potsdam"
    make_potsdam.make(folder)
    name = "top_potsdam_7_13_label_noBoundary.tif"
    record = load(build("potsdam/eroded", tmp_path), "test")["7_13"]
    np.testing.assert_array_equal(
        record["mask"][..., 0],
        read_mask(
            folder / "5_Labels_all_noBoundary" / name,
            palette=facts("potsdam").to_palette(),
        ),
    )


def test_labels_for_participants_have_no_test_split(tmp_path):
    make_potsdam.make(
        tmp_path / "potsdam",
        potsdam.TRAINING_SCENES,
        masks="5_Labels_for_participants",
    )
    with pytest.warns(UserWarning, match="left out test"):
        builder = build("potsdam", tmp_path)
    assert builder.info.splits["train"].num_examples == 24


def test_masks_distributed_in_inexact_colours_are_mended(tmp_path):
    """Matched exactly, all of 4_12 and the cars of 6_7 would be lost."""
    folder = tmp_path / "potsdam"
    make_potsdam.make(folder, ["4_12", "6_7"])
    palette = facts("potsdam").to_palette()
    truth = {}
    for scene in ("4_12", "6_7"):
        path = folder / "5_Labels_all" / f"top_potsdam_{scene}_label.tif"
        colors = read_image(path)
        truth[scene] = palette.to_ids(colors)
        if scene == "4_12":
            noise = np.random.default_rng(0).integers(0, 40, colors.shape)
            colors = np.where(colors == 0, noise, 255 - noise).astype("uint8")
        else:
            colors[truth[scene] == 4] = 252, 255, 0
        write_raster(path, colors)
    records = load(build("potsdam/partial", tmp_path), "train")
    for scene, ids in truth.items():
        np.testing.assert_array_equal(records[scene]["mask"][..., 0], ids)


def test_genuine_tile(tmp_path):
    """A real tile, coloured like the ground truth."""
    sample = shared_path("data", "samples", "potsdam")
    image = read_image(sample / "image_2_10_0_0_512_512.png")
    ids = read_mask(sample / "label_index_2_10_0_0_512_512.png")
    folder = tmp_path / "potsdam"
    (folder / "2_Ortho_RGB").mkdir(parents=True)
    (folder / "5_Labels_all").mkdir()
    write_raster(folder / "2_Ortho_RGB" / "top_potsdam_2_10_RGB.tif", image)
    write_raster(
        folder / "5_Labels_all" / "top_potsdam_2_10_label.tif",
        facts("potsdam").to_palette().to_rgb(ids),
    )
    builder = build("potsdam/partial", tmp_path)
    record = load(builder, "train")["2_10"]
    np.testing.assert_array_equal(record["image"], image)
    counts = np.bincount(record["mask"].ravel(), minlength=256)
    names = builder.info.metadata["class_names"]
    assert dict(zip(names, counts.tolist(), strict=False)) == {
        "impervious_surface": 24696,
        "building": 100557,
        "low_vegetation": 64023,
        "tree": 34357,
        "car": 30670,
        "clutter": 7841,
    }
    assert counts[255] == 0
