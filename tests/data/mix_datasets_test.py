"""Each batch holds the stated tiles of every data set, again and again."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_rsseg.data import Augmentation  # noqa: E402
from keras_rsseg.data import mix_datasets  # noqa: E402
from keras_rsseg.data import tile_dataset  # noqa: E402
from keras_rsseg.data import tile_records  # noqa: E402
from keras_rsseg.data import weigh_pixels  # noqa: E402


def numbers(start, count, batch_size=3):
    """Tiles of 2x2 pixels that hold their own number, also as the mask."""
    images = np.arange(start, start + count, dtype="u1")[:, None, None, None]
    images = np.broadcast_to(images, (count, 2, 2, 3))
    pairs = images, images[..., 0].astype("int32")
    return tf.data.Dataset.from_tensor_slices(pairs).batch(batch_size)


def read(dataset):
    """The numbers in each batch; image and mask must agree."""
    found = []
    for images, masks in dataset.as_numpy_iterator():
        np.testing.assert_array_equal(images[..., 0], masks)
        found.append(masks[:, 0, 0].tolist())
    return found


def crops(sizes, seed, steps, share, first_epoch=0, batch_size=3, **options):
    images = [
        np.random.default_rng(size).integers(0, 256, (size, size, 3), "uint8")
        for size in sizes
    ]
    return tile_dataset(
        images,
        [image[..., 0] % 5 for image in images],
        tile_size=16,
        sampling="balanced",
        tiles_per_epoch=steps * share,
        batch_size=batch_size,
        augmentation=Augmentation(scale=(0.5, 2), brightness=0.2),
        repeat=True,
        first_epoch=first_epoch,
        seed=seed,
        **options,
    )


class TestShares:
    def test_every_batch_has_its_share_in_the_order_of_the_sources(self):
        sources = [numbers(0, 9), numbers(100, 5, 1), numbers(200, 4, 4)]
        mixed = mix_datasets(sources, batch_size=4, shares=(2, 1, 1))
        assert read(mixed) == [
            [0, 1, 100, 200],
            [2, 3, 101, 201],
            [4, 5, 102, 202],
            [6, 7, 103, 203],
        ]

    def test_shares_are_equal_by_default(self):
        mixed = mix_datasets([numbers(0, 3), numbers(100, 9)], batch_size=2)
        assert read(mixed) == [[0, 100], [1, 101], [2, 102]]

    def test_shares_that_binary_numbers_miss_are_whole(self):
        mixed = mix_datasets(
            [numbers(0, 9), numbers(100, 9)], 10, shares=(0.7, 0.3)
        )
        assert read(mixed) == [[*range(7), 100, 101, 102]]

    def test_one_source_is_batched_anew(self):
        assert read(mix_datasets([numbers(0, 7)], 3)) == [[0, 1, 2], [3, 4, 5]]

    @pytest.mark.parametrize(
        "shares, message",
        [
            ((0.3, 0.7), "which are 2.4, 5.6 tiles"),
            ((1, 99), "whole numbers of tiles.*0.08, 7.92"),
            ((1,), "a positive number for each data set. Received: 2 data"),
            ((1, 0), "a positive number"),
            ((1, -1), "a positive number"),
            ((1, float("nan")), "a positive number"),
        ],
    )
    def test_shares_without_whole_tiles_are_refused(self, shares, message):
        with pytest.raises(ValueError, match=message):
            mix_datasets([numbers(0, 4)] * 2, 8, shares)

    def test_an_odd_batch_of_two_is_refused(self):
        with pytest.raises(ValueError, match="batch_size=5, shares=None"):
            mix_datasets([numbers(0, 4)] * 2, 5)


class TestLength:
    def test_it_ends_with_the_first_that_ends(self):
        sources = [numbers(0, 100).repeat(), numbers(100, 5)]
        assert len(read(mix_datasets(sources, 4))) == 2

    def test_without_end_it_says_so_and_epochs_run_on(self):
        sources = [numbers(0, 2).repeat(), numbers(100, 3).repeat()]
        mixed = mix_datasets(sources, 2)
        assert mixed.cardinality() == tf.data.INFINITE_CARDINALITY
        assert read(mixed.take(4)) == [[0, 100], [1, 101], [0, 102], [1, 100]]

    def test_batches_have_a_static_shape(self):
        mixed = mix_datasets([numbers(0, 4), numbers(100, 4)], 6, (1, 2))
        assert mixed.element_spec[0].shape == (6, 2, 2, 3)
        assert mixed.element_spec[1].dtype == "int32"


class TestResume:
    @pytest.mark.parametrize("batch_size", [3, 16])
    def test_a_later_epoch_is_the_same_without_those_before(self, batch_size):
        """Whatever the sources' batches, if epochs end together."""
        steps, counts = 5, (2, 4)

        def mix(first_epoch):
            sources = [
                crops(sizes, seed, steps, count, first_epoch, batch_size)
                for sizes, seed, count in zip(
                    [(40, 30), (50,)], (7, 8), counts, strict=True
                )
            ]
            return mix_datasets(sources, batch_size=6, shares=(1, 2))

        whole = list(mix(0).take(3 * steps).as_numpy_iterator())
        tf.random.set_seed(77)
        resumed = list(mix(2).take(steps).as_numpy_iterator())
        for expected, found in zip(whole[-steps:], resumed, strict=True):
            for one, other in zip(expected, found, strict=True):
                np.testing.assert_array_equal(one, other)
        assert (whole[0][0] != resumed[0][0]).any()


class TestElements:
    def test_records_images_alone_and_dicts(self):
        def as_records(images, masks):
            return {"image": images, "mask": masks}

        sources = [numbers(0, 4), numbers(100, 4)]
        batch = next(iter(mix_datasets([s.map(as_records) for s in sources])))
        assert batch["image"].shape == (8, 2, 2, 3)
        assert batch["mask"][-1, 0, 0] == 103
        alone = [source.map(lambda images, _: images) for source in sources]
        assert next(iter(mix_datasets(alone))).shape == (8, 2, 2, 3)

    def test_tiles_of_records_go_with_those_of_files(self):
        image = np.zeros((1, 40, 40, 3), "uint8")
        records = tf.data.Dataset.from_tensor_slices(
            {"image": image, "mask": image[..., 0]}
        )
        sources = [
            tile_records(records, tile_size=16, repeat=True),
            crops((40,), 1, 2, 4),
        ]
        images, masks = next(iter(mix_datasets(sources)))
        assert images.shape == (8, 16, 16, 3) and masks.shape == (8, 16, 16)

    def test_weights_travel_along(self):
        sources = [
            weigh_pixels(crops((40,), 1, 2, 4), [0.5, 0.5, 1, 1, 1]),
            weigh_pixels(crops((50,), 2, 2, 4), [1] * 5),
        ]
        mixed = mix_datasets(sources)
        assert mixed.cardinality() == tf.data.INFINITE_CARDINALITY
        _, masks, weights = next(mixed.as_numpy_iterator())
        assert weights.shape == masks.shape and weights.dtype == "float32"
        half = (masks < 2) & (np.arange(8) < 4)[:, None, None]
        expected = np.where(half, 0.5, masks != 255)
        np.testing.assert_array_equal(weights, expected)

    @pytest.mark.parametrize(
        "change, message",
        [
            (
                lambda x, y: (x[:, :1], y),
                r"images \(B, 2, 2, 3\) uint8 in datasets\[0\], "
                r"\(B, 1, 2, 3\) uint8 in datasets\[1\]",
            ),
            (lambda x, y: (x[..., :2], y), r"same size, bands.*2, 2, 2\) uint"),
            (
                lambda x, y: (tf.cast(x, "float32"), y),
                r"\(B, 2, 2, 3\) float32 in datasets\[1\]",
            ),
            (
                lambda x, y: (x, tf.cast(y, "uint8")),
                r"masks \(B, 2, 2\) int32 .*\(B, 2, 2\) uint8 in datasets\[1\]",
            ),
            (lambda x, y: (x, y[..., None]), r"masks .*\(B, 2, 2, 1\) int32"),
            (lambda x, y: x, r"the same parts.*datasets\[1\] of images"),
            (
                lambda x, y: {"images": x, "masks": y},
                r"the same parts.*datasets\[1\] of 'images'",
            ),
            (
                lambda x, y: (x, y, tf.ones_like(y, "float32")),
                "the same parts.*weights .*`weigh_pixels` can give the others",
            ),
            (
                lambda x, y: (x, y, {"name": y[:, 0, 0]}),
                r"the same parts.*\[2\] 'name' \(B\) int32",
            ),
            (lambda x, y: (y, y), r"batches of tiles.*Received: datasets\[1\]"),
        ],
    )
    def test_sources_that_differ_are_refused_with_what_differs(
        self, change, message
    ):
        with pytest.raises(ValueError, match=message):
            mix_datasets([numbers(0, 4), numbers(0, 4).map(change)])

    def test_tiles_that_are_not_batched_are_refused(self):
        """The rows of an image could pass for tiles."""
        single = numbers(0, 4).unbatch()
        with pytest.raises(ValueError, match="must hold batches of tiles"):
            mix_datasets([single, single])

    @pytest.mark.parametrize("datasets", [[], numbers(0, 4), [1, 2]])
    def test_what_is_no_list_of_datasets_is_refused(self, datasets):
        with pytest.raises(ValueError, match="`datasets` must be a list of"):
            mix_datasets(datasets)
