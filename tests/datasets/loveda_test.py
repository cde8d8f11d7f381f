"""LoveDA: no data is void, classes count from 0."""

import numpy as np
import pytest

tfds = pytest.importorskip("tensorflow_datasets")

from keras_rsseg.data import read_image  # noqa: E402
from tests.datasets import make_loveda  # noqa: E402
from tests.datasets.builder_tester import BuilderTester  # noqa: E402
from tests.datasets.builder_tester import build  # noqa: E402
from tests.datasets.builder_tester import load  # noqa: E402

SIZES = {"train": 4, "validation": 3}


class LoveDATest(BuilderTester, tfds.testing.DatasetBuilderTestCase):
    NAME = "loveda"
    CONFIGS = ("corrected",)
    SPLITS = SIZES
    SIZES = SIZES
    make = make_loveda.make


def test_no_data_is_void_and_classes_count_from_0(tmp_path):
    folder = tmp_path / "loveda"
    make_loveda.make(folder)
    records = load(build("loveda", tmp_path, SIZES), "train")
    assert set(records) == {"rural_0", "rural_1", "rural_10", "urban_1366"}
    values = read_image(folder / "Train" / "Rural" / "masks_png" / "10.png")
    # 0 - 1 wraps to 255.
    np.testing.assert_array_equal(records["rural_10"]["mask"], values - 1)
    assert set(np.unique(records["rural_10"]["mask"])) == {*range(7), 255}
