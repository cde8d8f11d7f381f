"""Tiles arrive complete, aligned, in a reproducible order."""

import keras
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_rsseg.data import Augmentation  # noqa: E402
from keras_rsseg.data import Palette  # noqa: E402
from keras_rsseg.data import tile_dataset  # noqa: E402
from tests.data.files import DUBAI_COLORS  # noqa: E402
from tests.data.files import DUBAI_VOID  # noqa: E402
from tests.data.files import dubai_pair  # noqa: E402
from tests.data.files import random_image  # noqa: E402
from tests.data.files import write_raster  # noqa: E402


def numbered(*sizes):
    """Images whose first band is a mask that tells pixels apart."""
    masks = [
        (np.arange(height * width).reshape(height, width) % 251).astype("u1")
        for height, width in sizes
    ]
    images = [np.repeat(mask[..., None], 3, -1) for mask in masks]
    return images, masks


def collect(dataset):
    images, masks = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(masks)


def assert_aligned(images, masks):
    known = masks != 255
    np.testing.assert_array_equal(images[..., 0][known], masks[known])
    assert (images[~known] == 0).all()


class TestWindows:
    def test_tiles_hold_every_pixel(self):
        images, masks = numbered((20, 33), (5, 40))
        data = tile_dataset(images, masks, tile_size=16, batch_size=4)
        assert data.cardinality() == 3
        tiles, ids = collect(data)
        assert tiles.shape == (9, 16, 16, 3) and ids.dtype == np.int32
        assert_aligned(tiles, ids)
        np.testing.assert_array_equal(tiles[0], images[0][:16, :16])
        np.testing.assert_array_equal(tiles[5], images[0][4:, 17:])
        np.testing.assert_array_equal(tiles[8][:5], images[1][:, 24:])
        assert (ids[8][5:] == 255).all()

    @pytest.mark.parametrize("sampling", ["windows", "random"])
    def test_shapes_are_static(self, sampling):
        images, masks = numbered((20, 33))
        for augmentation in (None, Augmentation(scale=(0.5, 2), blur=1)):
            data = tile_dataset(
                images,
                masks,
                tile_size=(16, 8),
                sampling=sampling,
                augmentation=augmentation,
            )
            image, mask = data.element_spec
            assert image.shape.as_list() == [None, 16, 8, 3]
            assert mask.shape.as_list() == [None, 16, 8]
            assert image.dtype == "uint8" and mask.dtype == "int32"

    @pytest.mark.parametrize("stride", [None, 5, (16, 9)])
    def test_count_once_counts_every_pixel_once(self, stride):
        images, masks = numbered((40, 37), (7, 90), (16, 16))
        data = tile_dataset(
            images, masks, tile_size=16, stride=stride, count_once=True
        )
        _, ids = collect(data)
        counts = np.bincount(ids[ids != 255], minlength=251)
        whole = np.concatenate([mask.ravel() for mask in masks])
        np.testing.assert_array_equal(counts, np.bincount(whole, minlength=251))

    def test_shuffle_reorders_each_epoch_and_repeats_by_seed(self):
        images, masks = numbered((64, 64))

        def make(seed):
            return tile_dataset(
                images, masks, tile_size=8, shuffle=True, seed=seed
            )

        one, two = make(1), make(1)
        first, second = collect(one)[1], collect(one)[1]
        assert (first != second).any()
        np.testing.assert_array_equal(first, collect(two)[1])
        np.testing.assert_array_equal(second, collect(two)[1])
        assert (collect(make(2))[1] != first).any()
        plain = collect(tile_dataset(images, masks, tile_size=8))[1]
        for epoch in (first, second):
            assert sorted(tile.tobytes() for tile in epoch) == sorted(
                tile.tobytes() for tile in plain
            )

    def test_augmented_windows_stay_aligned(self):
        images, masks = numbered((40, 50), (9, 70))
        data = tile_dataset(
            images, masks, tile_size=16, augmentation=Augmentation(), seed=0
        )
        plain = tile_dataset(images, masks, tile_size=16)
        tiles, ids = collect(data)
        assert_aligned(tiles, ids)
        # Rotated, but each window is still itself.
        sums = [tile.sum() for tile in ids]
        assert sums == [tile.sum() for tile in collect(plain)[1]]
        assert (ids != collect(plain)[1]).any()

    def test_scaled_windows_read_their_surroundings(self):
        image, mask = np.full((64, 64, 3), 9, "u1"), np.ones((64, 64), "u1")
        data = tile_dataset(
            image,
            mask,
            tile_size=16,
            augmentation=Augmentation(scale=(0.5, 1)),
            seed=0,
        )
        tiles, ids = collect(data)
        assert (ids == 1).all() and (tiles == 9).all()

    def test_images_alone(self):
        data = tile_dataset(random_image(20, 20), tile_size=16, batch_size=3)
        shapes = [tile.shape for tile in data]
        assert shapes == [(3, 16, 16, 3), (1, 16, 16, 3)]

    def test_repeat_and_drop_remainder(self):
        images, masks = numbered((16, 48))
        arguments = dict(tile_size=16, batch_size=2)
        dropped = tile_dataset(images, masks, drop_remainder=True, **arguments)
        assert dropped.cardinality() == 1
        endless = tile_dataset(images, masks, repeat=True, **arguments)
        assert endless.cardinality() == tf.data.INFINITE_CARDINALITY
        # Three tiles: every epoch begins with a new batch.
        sizes = [len(ids) for _, ids in endless.take(4).as_numpy_iterator()]
        assert sizes == [2, 1, 2, 1]
        _, ids = collect(endless.take(4))
        np.testing.assert_array_equal(ids[:3], ids[3:])

    def test_an_epoch_without_a_batch_fails_rather_than_hangs(self):
        images, masks = numbered((16, 16))
        data = tile_dataset(
            images, masks, tile_size=16, repeat=True, drop_remainder=True
        )
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="not a single batch"
        ):
            next(iter(data))

    def test_a_protocol_sets_tile_and_stride(self):
        images, masks = numbered((600, 900))
        data = tile_dataset(images, masks, protocol="ifwm", batch_size=2)
        assert data.element_spec[0].shape[1:] == (512, 512, 3)
        # Columns start at 0 and 388, rows at 0 and 88.
        assert data.cardinality() == 2
        with pytest.raises(ValueError, match="`protocol` sets `tile_size`"):
            tile_dataset(images, masks, protocol="ifwm", tile_size=512)
        with pytest.raises(ValueError, match="`protocol` must be one of"):
            tile_dataset(images, masks, protocol="vaihingen")


class TestResume:
    @pytest.mark.parametrize(
        "arguments",
        [
            dict(shuffle=True),
            dict(sampling="balanced", tiles_per_epoch=11),
        ],
    )
    def test_an_epoch_is_the_same_without_those_before(self, arguments):
        images, masks = numbered((40, 50), (9, 70))

        def epochs(first, count):
            data = tile_dataset(
                images,
                masks,
                tile_size=16,
                batch_size=4,
                augmentation=Augmentation(scale=(0.5, 2), brightness=0.2),
                repeat=True,
                first_epoch=first,
                seed=9,
                **arguments,
            )
            steps = -(-(17 if "shuffle" in arguments else 11) // 4)
            return collect(data.take(count * steps))[0]

        whole = epochs(0, 3)
        tf.random.set_seed(77)
        resumed = epochs(2, 1)
        np.testing.assert_array_equal(whole[-len(resumed) :], resumed)
        assert (whole[: len(resumed)] != resumed).any()

    @pytest.mark.parametrize(
        "arguments, message",
        [
            (dict(first_epoch=2, seed=1), "`first_epoch` needs repeat"),
            (dict(first_epoch=2, repeat=True), "`first_epoch` needs a `seed`"),
            (dict(first_epoch=-1), "`first_epoch` must be an int"),
        ],
    )
    def test_what_cannot_be_resumed_is_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            tile_dataset(random_image(16, 16), tile_size=16, **arguments)


class TestRandom:
    def test_crops_are_aligned_and_repeat_by_seed(self):
        images, masks = numbered((40, 50), (60, 33))

        def make(seed, **arguments):
            return tile_dataset(
                images,
                masks,
                tile_size=16,
                sampling="random",
                tiles_per_epoch=20,
                augmentation=Augmentation(),
                seed=seed,
                **arguments,
            )

        one, two = make(4), make(4)
        tiles, ids = collect(one)
        assert len(tiles) == 20 and one.cardinality() == 3
        assert (ids != 255).all()
        assert_aligned(tiles, ids)
        np.testing.assert_array_equal(ids, collect(two)[1])
        second = collect(one)[1]
        assert (second != ids).any()
        np.testing.assert_array_equal(second, collect(two)[1])
        assert (collect(make(5))[1] != ids).any()
        endless = collect(make(4, repeat=True).take(6))[1]
        assert (endless[:20] != endless[20:]).any()

    def test_images_are_drawn_by_area(self):
        images = [np.full((size, size, 1), size, "u1") for size in (16, 48)]
        data = tile_dataset(
            images,
            tile_size=8,
            sampling="random",
            tiles_per_epoch=1000,
            batch_size=100,
            seed=0,
        )
        drawn = np.concatenate([tile[:, 0, 0, 0] for tile in data])
        # 0.9 expected; four standard deviations of 1,000 draws are 0.038.
        assert abs((drawn == 48).mean() - 0.9) < 0.04

    def test_every_start_occurs(self):
        image = np.arange(12, dtype="u1").reshape(3, 4)
        data = tile_dataset(
            image,
            tile_size=2,
            sampling="random",
            tiles_per_epoch=200,
            batch_size=200,
            seed=0,
        )
        corners = next(iter(data))[:, 0, 0, 0].numpy()
        assert set(corners.tolist()) == {0, 1, 2, 4, 5, 6}

    def test_an_image_smaller_than_the_tile_is_whole(self):
        images, masks = numbered((9, 40))
        data = tile_dataset(
            images,
            masks,
            tile_size=16,
            sampling="random",
            tiles_per_epoch=30,
            seed=0,
        )
        tiles, ids = collect(data)
        assert_aligned(tiles, ids)
        assert ((ids != 255).sum((1, 2)) == 9 * 16).all()
        assert len({int((tile[:, 0] != 255).argmax()) for tile in ids}) > 3

    def test_scaled_crops_show_objects_larger_and_smaller(self):
        # Stripes of 4 pixels: their width in the tile tells the scale.
        mask = np.repeat((np.arange(256) // 4 % 2)[None], 256, 0).astype("u1")
        image = np.repeat(mask[..., None] * 100 + 100, 3, -1).astype("u1")
        for scale, changes in ((2.0, 8), (0.5, 32)):
            data = tile_dataset(
                image,
                mask,
                tile_size=64,
                sampling="random",
                tiles_per_epoch=8,
                augmentation=Augmentation(False, False, (scale, scale)),
                seed=0,
            )
            _, ids = collect(data)
            assert (ids != 255).all()
            found = (np.diff(ids[:, 0], axis=-1) != 0).sum(-1)
            assert (np.abs(found - changes) <= 1).all()


@pytest.mark.parametrize("cache", [True, False])
def test_pixels_without_data_are_black_and_void(cache):
    image = random_image(16, 16).astype("float32") + 1
    image[3:5, 6:9] = np.nan
    data = tile_dataset(
        image,
        np.ones((16, 16), "u1"),
        tile_size=16,
        augmentation=Augmentation(contrast=0.5, brightness=0.5),
        cache=cache,
    )
    tiles, ids = collect(data)
    assert np.isfinite(tiles).all()
    assert (ids == 255).sum() == 6
    np.testing.assert_array_equal((tiles == 0).all(-1), ids == 255)


@pytest.mark.parametrize("cache", [True, False])
def test_files_masks_in_colour_and_void(tmp_path, cache):
    palette = Palette(DUBAI_COLORS, void_colors=DUBAI_VOID)
    ids = np.random.default_rng(0).integers(0, 6, (40, 40)).astype("u1")
    ids[ids == 5] = 255
    image = write_raster(tmp_path / "a.png", random_image(40, 40))
    mask = write_raster(tmp_path / "b.png", palette.to_rgb(ids))
    data = tile_dataset(
        [image], [mask], tile_size=40, palette=palette, cache=cache
    )
    tiles, masks = collect(data)
    np.testing.assert_array_equal(tiles[0], random_image(40, 40))
    np.testing.assert_array_equal(masks[0], ids)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(sampling="grid"), "`sampling` must be"),
        (
            dict(tiles_per_epoch=5),
            "`tiles_per_epoch` needs sampling='random' or 'balanced'",
        ),
        (dict(sampling="random", stride=4), "`stride` needs sampling"),
        (
            dict(sampling="random", count_once=True),
            "`count_once` needs sampling",
        ),
        (dict(sampling="random", tiles_per_epoch=0), "`tiles_per_epoch` must"),
        (dict(batch_size=0), "`batch_size` must be a positive int"),
        (dict(tile_size=0), "`tile_size` must be"),
        (dict(stride=99), "`stride` must not be longer"),
        (
            dict(count_once=True, augmentation=Augmentation(scale=(1, 2))),
            "`count_once` needs unscaled windows",
        ),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    arguments = {"tile_size": 8, **arguments}
    with pytest.raises(ValueError, match=message):
        tile_dataset(random_image(16, 16), **arguments)


def test_fit_takes_the_tiles():
    images, masks = numbered((32, 48))
    masks = [mask % 4 for mask in masks]
    data = tile_dataset(
        images,
        masks,
        tile_size=16,
        batch_size=2,
        num_classes=4,
        augmentation=Augmentation(brightness=0.1),
        shuffle=True,
        seed=0,
    )
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 1),
        ]
    )
    model.compile(
        "sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    history = model.fit(data, epochs=2, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_tiles_of_dubai_equal_the_files():
    pairs = [dubai_pair(scene, 3) for scene in (2, 3)]
    images, masks = zip(*pairs, strict=True)
    data = tile_dataset(
        images,
        masks,
        tile_size=256,
        palette=Palette(DUBAI_COLORS, void_colors=DUBAI_VOID),
        count_once=True,
    )
    _, ids = collect(data)
    counted = (ids != 255).sum()
    area = 509 * 544 + 682 * 658
    # Every class pixel once; the rest is the void of the masks.
    assert 0.9 * area < counted <= area
    assert set(np.unique(ids)) <= {0, 1, 2, 3, 4, 255}
