"""Ohio: masks are already class ids, with the classes of Dubai."""

import numpy as np
import pytest

tfds = pytest.importorskip("tensorflow_datasets")

from keras_rsseg.data import read_image  # noqa: E402
from keras_rsseg.data import read_mask  # noqa: E402
from keras_rsseg.datasets import facts  # noqa: E402
from tests.datasets import make_ohio_naip  # noqa: E402
from tests.datasets.builder_tester import BuilderTester  # noqa: E402
from tests.datasets.builder_tester import build  # noqa: E402
from tests.datasets.builder_tester import load  # noqa: E402
from tests.shared import shared_path  # noqa: E402

SIZES = {"train": 3, "validation": 2}


class OhioNaipTest(BuilderTester, tfds.testing.DatasetBuilderTestCase):
    NAME = "ohio_naip"
    CONFIGS = ("corrected",)
    SPLITS = SIZES
    SIZES = SIZES
    make = make_ohio_naip.make


def test_it_has_the_classes_of_dubai_and_its_own_pixels():
    ohio, dubai = facts("ohio_naip"), facts("dubai")
    assert ohio.class_names == dubai.class_names
    assert ohio.palette == dubai.palette and ohio.bands == dubai.bands
    assert ohio.ground_sample_distance == 0.6
    assert "no licence file" in ohio.licence
    assert "yinx111 (2025)" in ohio.licence


def test_ids_and_void_are_kept(tmp_path):
    folder = tmp_path / "ohio_naip"
    make_ohio_naip.make(folder)
    records = load(build("ohio_naip", tmp_path, SIZES), "validation")
    assert set(records) == {"55695", "55696"}
    ids = read_mask(folder / "validate" / "masks" / "55696.png")
    np.testing.assert_array_equal(records["55696"]["mask"][..., 0], ids)
    assert set(np.unique(ids)) == {*range(5), 255}


def test_a_tile_that_is_missing_is_counted(tmp_path):
    make_ohio_naip.make(tmp_path / "ohio_naip")
    with pytest.raises(ValueError, match="train has 3 scenes instead of 142"):
        build("ohio_naip", tmp_path, {"train": 142, "validation": 32})


def test_genuine_tiles(tmp_path):
    source = shared_path("data", "ohio_naip")
    folder = tmp_path / "ohio_naip"
    for part, name in (("train", "13476"), ("validate", "55696")):
        for file in (f"images/{name}.tif", f"masks/{name}.png"):
            (folder / part / file).parent.mkdir(parents=True)
            (folder / part / file).symlink_to(source / part / file)
    builder = build("ohio_naip/partial", tmp_path)
    for split, part, name in (
        ("train", "train", "13476"),
        ("validation", "validate", "55696"),
    ):
        record = load(builder, split)[name]
        np.testing.assert_array_equal(
            record["image"],
            read_image(source / part / "images" / f"{name}.tif"),
        )
        np.testing.assert_array_equal(
            record["mask"][..., 0],
            read_mask(source / part / "masks" / f"{name}.png"),
        )


def test_the_genuine_tiles_are_as_many_as_stated():
    source = shared_path("data", "ohio_naip")
    sizes = {
        part: len(list((source / part / "masks").glob("*.png")))
        for part in ("train", "validate")
    }
    assert sizes == {"train": 142, "validate": 32}
