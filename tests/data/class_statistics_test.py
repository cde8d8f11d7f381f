"""Void never counts, and rare classes weigh more by the stated formula."""

import numpy as np
import pytest

from keras_rsseg.data.class_statistics import class_weights
from keras_rsseg.data.class_statistics import count_classes
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import UnlistedColorWarning
from tests.data.files import DUBAI_COLORS
from tests.data.files import DUBAI_VOID
from tests.data.files import random_image
from tests.data.files import write_raster


def masks():
    first = np.array([[0, 0, 1], [2, 255, 255]], "uint8")
    second = np.array([[2, 2, 2, 4]], "uint8")
    return [first, second]


WANTED = [2, 1, 4, 0, 1]


class TestCountClasses:
    def test_arrays(self):
        counts = count_classes(masks())
        assert counts.dtype == np.int64 and counts.tolist() == WANTED
        assert count_classes(masks(), 7).tolist() == WANTED + [0, 0]
        assert count_classes(masks()[0]).tolist() == [2, 1, 1]
        stack = np.stack([masks()[0]] * 3)
        assert count_classes(stack).tolist() == [6, 3, 3]
        wide = [mask.astype("int64")[..., None] for mask in masks()]
        assert count_classes(wide).tolist() == WANTED
        assert count_classes(np.full((4, 4), 255, "u1")).tolist() == []

    def test_more_pixels_than_a_chunk(self):
        mask = np.random.default_rng(0).integers(0, 3, (1500, 1500), "uint8")
        wanted = np.bincount(mask.ravel())
        np.testing.assert_array_equal(count_classes(mask), wanted)

    def test_ids_that_are_mapped(self):
        mask = np.array([[0, 255, 255, 7]], "uint8")
        found = count_classes(mask, ids={255: 1, 7: 255})
        assert found.tolist() == [1, 2]

    def test_images_by_themselves(self):
        counts = count_classes(masks(), per_image=True)
        assert counts.tolist() == [[2, 1, 1, 0, 0], [0, 0, 3, 0, 1]]

    def test_files_in_colour(self, tmp_path):
        palette = Palette(DUBAI_COLORS, void_colors=DUBAI_VOID)
        paths = [
            write_raster(tmp_path / f"{index}.png", palette.to_rgb(mask))
            for index, mask in enumerate(masks())
        ]
        assert count_classes(paths, palette=palette).tolist() == WANTED
        assert count_classes(paths[0], palette=palette).shape == (5,)
        rgb = palette.to_rgb(masks()[0])
        assert count_classes(rgb, palette=palette)[:2].tolist() == [2, 1]
        with pytest.warns(UnlistedColorWarning, match="not list"):
            counts = count_classes(paths, palette=DUBAI_COLORS[:4])
        assert counts.tolist() == WANTED[:4]

    def test_pairs_leave_out_what_the_image_lacks(self):
        image = random_image(2, 3).astype("float32")
        image[0, 0] = np.nan
        pairs = ImageMaskPairs(image, masks()[0])
        assert count_classes(pairs).tolist() == [1, 1, 1]

    def test_records_and_batches(self):
        tf = pytest.importorskip("tensorflow")
        ids = masks()[0]
        record = {"image": random_image(2, 3), "mask": ids[..., None]}
        records = tf.data.Dataset.from_tensors(record).repeat(3)
        assert count_classes(records).tolist() == [6, 3, 3]
        for tiles in (
            records.map(lambda r: (r["image"], r["mask"][..., 0])),
            records.map(lambda r: (r["image"], r["mask"], {"row": 1})),
        ):
            assert count_classes(tiles.batch(2)).tolist() == [6, 3, 3]
            per_image = count_classes(tiles.batch(2), per_image=True)
            assert per_image.tolist() == [[2, 1, 1]] * 3
        with pytest.raises(ValueError, match="`source` must end"):
            count_classes(records.repeat())
        with pytest.raises(ValueError, match="Received: images only"):
            count_classes(tiles.map(lambda *parts: (parts[0], parts[2])))
        with pytest.raises(ValueError, match='records with a "mask"'):
            count_classes([{"image": 1}])

    def test_ids_out_of_range_are_refused(self):
        with pytest.raises(ValueError, match=r"out of range: \[2, 4\]"):
            count_classes(
                [np.concatenate([m.ravel() for m in masks()])[None]], 2
            )


class TestClassWeights:
    def test_inverse(self):
        weights = class_weights([100, 300, 0])
        np.testing.assert_allclose(weights, [1.5, 0.5, 0])

    def test_median_frequency_looks_at_the_images_of_a_class(self):
        # Class 2 is rare overall, but common where it occurs.
        counts = [[900, 100, 0], [890, 100, 0], [0, 10, 10]]
        weights = class_weights(counts, "median_frequency")
        frequency = np.array([1790 / 1990, 210 / 2010, 10 / 20])
        wanted = np.median(frequency) / frequency
        np.testing.assert_allclose(weights, wanted / wanted.mean())
        inverse = class_weights(counts)
        assert inverse.argmax() == 2 and weights.argmax() == 1

    def test_effective_number(self):
        counts = np.array([10, 1000, 10**9])
        weights = class_weights(counts, "effective_number", beta=0.99)
        wanted = (1 - 0.99) / (1 - 0.99**counts)
        np.testing.assert_allclose(weights, wanted / wanted.mean())
        # Without cancellation if beta is nearly 1: the inverse.
        near = class_weights([10, 1000], "effective_number", 1 - 1e-12)
        np.testing.assert_allclose(near, class_weights([10, 1000]), rtol=1e-6)
        none = class_weights(counts, "effective_number", beta=0)
        np.testing.assert_allclose(none, 1)
        # By default the rarest class weighs most, but less than inversely.
        default = class_weights(counts, "effective_number")
        assert (np.diff(default) < 0).all()
        spread = default[0] / default[2]
        assert 1 < spread < 1e8

    @pytest.mark.parametrize(
        "method", ["inverse", "median_frequency", "effective_number"]
    )
    def test_absent_classes_weigh_nothing_and_the_mean_is_one(self, method):
        counts = np.array([[5, 0, 20, 0], [7, 0, 0, 1000]])
        weights = class_weights(counts, method)
        assert weights[1] == 0 and np.isfinite(weights).all()
        assert weights[[0, 2, 3]].mean() == pytest.approx(1)
        assert weights[3] == min(weights[[0, 2, 3]])

    @pytest.mark.parametrize(
        "arguments, message",
        [
            (([0, 0],), "one of them above"),
            (([-1, 5],), "at least 0"),
            (([np.nan, 5],), "finite"),
            (([[[1]]],), "of shape"),
            (([1, 2], "square"), "`method` must be"),
            (([1, 2], "effective_number", 1.0), "`beta` must lie"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            class_weights(*arguments)
