"""Dubai: parts of scenes as images, in the split of the presets."""

import numpy as np
import pytest

tfds = pytest.importorskip("tensorflow_datasets")

from keras_rsseg.data import read_image  # noqa: E402
from keras_rsseg.data import read_mask  # noqa: E402
from keras_rsseg.datasets import facts  # noqa: E402
from tests.datasets import make_dubai  # noqa: E402
from tests.datasets.builder_tester import BuilderTester  # noqa: E402
from tests.datasets.builder_tester import build  # noqa: E402
from tests.datasets.builder_tester import load  # noqa: E402
from tests.shared import shared_path  # noqa: E402


class DubaiTest(BuilderTester, tfds.testing.DatasetBuilderTestCase):
    NAME = "dubai"
    CONFIGS = ("corrected",)
    SPLITS = {"train": 36, "validation": 18}

    @staticmethod
    def make(folder):
        make_dubai.make(folder / "Semantic segmentation dataset", "Tile {}")


def test_genuine_parts(tmp_path):
    """Two parts; indexed masks are read in their displayed colours."""
    source = shared_path("data", "dubai", "tile_2")
    folder = tmp_path / "dubai" / "tile_2"
    for kind, suffix in (("images", "jpg"), ("masks", "png")):
        (folder / kind).mkdir(parents=True)
        for part in (1, 3):
            name = f"image_part_{part:03d}.{suffix}"
            (folder / kind / name).symlink_to(source / kind / name)
    builder = build("dubai/partial", tmp_path)
    palette = facts("dubai").to_palette()
    for split, part in (("train", 1), ("validation", 3)):
        record = load(builder, split)[f"tile_2_part_{part:03d}"]
        name = f"image_part_{part:03d}"
        np.testing.assert_array_equal(
            record["image"], read_image(source / "images" / f"{name}.jpg")
        )
        np.testing.assert_array_equal(
            record["mask"][..., 0],
            read_mask(source / "masks" / f"{name}.png", palette=palette),
        )
