"""WHU building: three splits, where 255 is building and not void."""

import numpy as np
import pytest

tfds = pytest.importorskip("tensorflow_datasets")

from keras_rsseg.data import UnlistedColorWarning  # noqa: E402
from keras_rsseg.data import read_image  # noqa: E402
from keras_rsseg.datasets import whu_building  # noqa: E402
from keras_rsseg.errors import DatasetError  # noqa: E402
from tests.data.files import write_raster  # noqa: E402
from tests.datasets import make_whu_building  # noqa: E402
from tests.datasets.builder_tester import BuilderTester  # noqa: E402
from tests.datasets.builder_tester import build  # noqa: E402
from tests.datasets.builder_tester import load  # noqa: E402

SIZES = {"train": 3, "validation": 1, "test": 2}


class WhuBuildingTest(BuilderTester, tfds.testing.DatasetBuilderTestCase):
    NAME = "whu_building"
    CONFIGS = ("corrected",)
    SPLITS = SIZES
    SIZES = SIZES
    make = make_whu_building.make


def test_the_split_is_the_papers():
    assert whu_building.LAYOUT.split_sizes == {
        "train": 4736,
        "validation": 1036,
        "test": 2416,
    }


def test_white_is_building_and_other_values_are_void(tmp_path):
    folder = tmp_path / "whu_building"
    make_whu_building.make(folder)
    path = folder / make_whu_building.FOLDER / "test" / "label" / "1.tif"
    label = read_image(path)
    label[0, 0] = 128
    write_raster(path, label)
    # Named as in some copies of the set.
    path.rename(path.with_suffix(".TIF"))
    with pytest.warns(UnlistedColorWarning, match=r"\(128, 128, 128\): 1"):
        builder = build("whu_building", tmp_path, SIZES)
    mask = load(builder, "test")["1"]["mask"]
    assert mask[0, 0] == 255
    expected = label // 255
    expected[0, 0] = 255
    np.testing.assert_array_equal(mask, expected)
    assert set(np.unique(mask)) == {0, 1, 255}


def test_a_coloured_label_is_refused(tmp_path):
    folder = tmp_path / "whu_building"
    make_whu_building.make(folder)
    path = folder / make_whu_building.FOLDER / "val" / "label" / "0.tif"
    write_raster(path, np.zeros((11, 14, 3), "uint8"))
    with pytest.raises(DatasetError, match="must be a mask of one band"):
        build("whu_building", tmp_path, SIZES)
