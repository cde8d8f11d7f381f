"""Tiles of a stream of scenes are complete, aligned and can be resumed."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

tf = pytest.importorskip("tensorflow")

from keras_rsseg.data import PROTOCOLS  # noqa: E402
from keras_rsseg.data import Augmentation  # noqa: E402
from keras_rsseg.data import count_tiles  # noqa: E402
from keras_rsseg.data import join_tiles  # noqa: E402
from keras_rsseg.data import paper_augmentation  # noqa: E402
from keras_rsseg.data import tile_dataset  # noqa: E402
from keras_rsseg.data import tile_records  # noqa: E402
from tests.data.records import as_dataset  # noqa: E402
from tests.data.records import make_record  # noqa: E402


def scene_list(*sizes):
    return [
        make_record(height, width, f"scene{index}")
        for index, (height, width) in enumerate(sizes)
    ]


def collect(tiles):
    parts = zip(*tiles.as_numpy_iterator(), strict=True)
    return [np.concatenate(part) for part in parts]


def assert_joined(tiles, records, names):
    """Reassembled tiles equal the scenes, image and mask."""
    batches = list(tiles.as_numpy_iterator())
    images = join_tiles((batch[0], batch[2]) for batch in batches)
    masks = join_tiles((batch[1], batch[2]) for batch in batches)
    assert set(images) == set(masks) == set(names)
    for record, name in zip(records, names, strict=True):
        np.testing.assert_array_equal(images[name], record["image"])
        np.testing.assert_array_equal(masks[name], record["mask"][..., 0])
    return batches


small = {
    name: dataclasses.replace(
        protocol,
        tile_size=protocol.tile_size // 16,
        stride=protocol.stride // 16,
    )
    for name, protocol in PROTOCOLS.items()
}
sides = st.integers(1, 130)


class TestJoined:
    @pytest.mark.parametrize("name", sorted(PROTOCOLS))
    def test_tiles_give_the_scenes_back(self, name):
        # The records of each example replace the previous ones in one pipeline.
        records = []
        streamed = tile_records(
            as_dataset(records), protocol=small[name], places=True
        )

        @settings(max_examples=4)
        @given(st.lists(st.tuples(sides, sides), min_size=1, max_size=4))
        def check(sizes):
            records[:] = scene_list(*sizes)
            names = [record["name"] for record in records]
            batches = assert_joined(streamed, records, names)
            counts = count_tiles(
                [record["mask"] for record in records], small[name]
            )
            assert counts.tiles == sum(len(batch[0]) for batch in batches)
            assert len(batches) == counts.steps(8)
            listed = tile_dataset(
                [record["image"] for record in records],
                [record["mask"] for record in records],
                protocol=small[name],
                places=True,
            )
            names = [f"images[{index}]" for index in range(len(records))]
            assert_joined(listed, records, names)

        check()

    @pytest.mark.parametrize("name", ["ifwm", "isaid"])
    def test_the_real_numbers_too(self, name):
        records = scene_list((1003, 1597), (333, 911))
        tiles = tile_records(
            as_dataset(records), protocol=name, places=True, batch_size=4
        )
        names = [record["name"] for record in records]
        batches = assert_joined(tiles, records, names)
        tile = PROTOCOLS[name].tile_size
        assert {batch[0].shape[1:3] for batch in batches} == {(tile, tile)}
        strides = np.diff(np.unique(batches[0][2]["col"]))
        assert strides[0] == min(PROTOCOLS[name].stride, 1597 - tile)

    def test_small_images_are_padded_not_squashed(self):
        records = scene_list((5, 40))
        tiles = tile_records(as_dataset(records), tile_size=16)
        images, masks = collect(tiles)
        assert images.shape == (3, 16, 16, 3) and masks.dtype == np.int32
        np.testing.assert_array_equal(
            images[1, :5], records[0]["image"][:, 16:32]
        )
        assert (images[:, 5:] == 0).all() and (masks[:, 5:] == 255).all()


class TestOrder:
    def make(self, records, **arguments):
        arguments = {"tile_size": 16, "shuffle": 12, "seed": 3, **arguments}
        return tile_records(as_dataset(records), places=True, **arguments)

    def test_a_seed_repeats_the_stream_and_epochs_differ(self):
        records = scene_list((40, 50), (33, 70), (5, 90))
        one, two = self.make(records), self.make(records)
        epochs = [[collect_ids(data) for _ in range(2)] for data in (one, two)]
        np.testing.assert_array_equal(epochs[0][0], epochs[1][0])
        np.testing.assert_array_equal(epochs[0][1], epochs[1][1])
        assert (epochs[0][0] != epochs[0][1]).any()
        plain = collect_ids(self.make(records, shuffle=0))
        for epoch in epochs[0]:
            assert sorted(tile.tobytes() for tile in epoch) == sorted(
                tile.tobytes() for tile in plain
            )
        assert (collect_ids(self.make(records, seed=4)) != epochs[0][0]).any()

    def test_tiles_of_several_images_are_mixed(self):
        records = scene_list(*[(64, 64)] * 4)
        names = next(iter(self.make(records, shuffle=4)))[2]["name"].numpy()
        assert len(set(names)) >= 3
        names = next(iter(self.make(records, shuffle=0)))[2]["name"].numpy()
        assert len(set(names)) == 1

    def test_an_epoch_is_the_same_without_those_before(self):
        records = scene_list((40, 50), (33, 70), (5, 90))
        steps = count_tiles(as_dataset(records), tile_size=16).steps(4)

        def epochs(first, count):
            data = tile_records(
                as_dataset(records),
                tile_size=16,
                batch_size=4,
                shuffle=8,
                augmentation=paper_augmentation("isprs", brightness=0.1),
                repeat=True,
                first_epoch=first,
                seed=11,
            )
            return collect(data.take(count * steps))

        whole = epochs(0, 3)
        # Other draws of random numbers in the new process.
        tf.random.set_seed(99)
        resumed = epochs(2, 1)
        for part, again in zip(whole, resumed, strict=True):
            np.testing.assert_array_equal(part[-len(again) :], again)
            assert (part[: len(again)] != again).any()

    def test_an_epoch_without_a_batch_fails_rather_than_hangs(self):
        data = self.make(scene_list((16, 16)), repeat=True, drop_remainder=True)
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="not a single batch"
        ):
            next(iter(data))


def collect_ids(tiles):
    return np.concatenate([batch[1] for batch in tiles.as_numpy_iterator()])


class TestAugmented:
    def test_scaled_tiles_show_their_surroundings(self):
        record = make_record(64, 64)
        record["image"][:] = 9
        record["mask"][:] = 1
        tiles = tile_records(
            as_dataset([record]),
            tile_size=16,
            augmentation=Augmentation(scale=(0.5, 1)),
            seed=0,
        )
        images, masks = collect(tiles)
        assert len(images) == 16 and (masks == 1).all() and (images == 9).all()

    def test_image_and_mask_stay_aligned(self):
        records = scene_list((40, 50), (9, 70))
        for record in records:
            record["image"] = record["mask"].repeat(3, -1)
        tiles = tile_records(
            as_dataset(records),
            tile_size=16,
            augmentation=Augmentation(),
            shuffle=4,
            seed=0,
        )
        images, masks = collect(tiles)
        known = masks != 255
        np.testing.assert_array_equal(images[..., 0][known], masks[known])
        plain = collect_ids(tile_records(as_dataset(records), tile_size=16))
        assert sorted(masks.sum((1, 2))) == sorted(plain.sum((1, 2)))
        assert (masks != plain).any()


class TestRareClasses:
    def records(self):
        record = make_record(160, 160, classes=1)
        record["mask"][:, :80] = 255
        record["mask"][:16, 144:] = 2
        return [record]

    def draw(self, weights):
        tiles = tile_records(
            as_dataset(self.records()),
            tile_size=16,
            class_weights=weights,
            repeat=True,
            seed=5,
        )
        return collect_ids(tiles.take(30))

    def test_rare_classes_are_seen_more_often(self):
        plain = collect_ids(
            tile_records(as_dataset(self.records()), tile_size=16)
        )
        ids = self.draw([1, 0, 10])
        assert (ids != 255).any((1, 2)).all()
        # 1 tile of 50 holds class 2; it is kept with a tenth of the other 49.
        share = (ids == 2).any((1, 2)).mean()
        assert (plain == 2).any((1, 2)).sum() == 1
        assert 1 / 10 < share < 1 / 3
        only = self.draw([0, 0, 1])
        assert (only == 2).any((1, 2)).all()

    def test_no_tile_kept_fails_rather_than_hangs(self):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="not a single batch"
        ):
            self.draw([0, 1])


class TestRecords:
    def test_records_without_masks_give_images_alone(self):
        records = tf.data.Dataset.from_tensors(
            {"image": np.full((20, 20, 4), 0.5, "float32"), "name": "a"}
        )
        images = next(iter(tile_records(records, tile_size=16)))
        assert images.shape == (4, 16, 16, 4) and images.dtype == tf.float32
        tiles = tile_records(records, tile_size=16, places=True)
        assert [len(batch) for batch in tiles] == [2]

    def test_a_mask_of_another_size_is_an_error(self):
        record = make_record(20, 20)
        record["mask"] = record["mask"][:19]
        with pytest.raises(tf.errors.InvalidArgumentError, match="same size"):
            list(tile_records(as_dataset([record]), tile_size=16))

    def test_the_cardinality_of_images_of_one_size_is_known(self):
        record = make_record(40, 50)
        del record["name"]
        records = tf.data.Dataset.from_tensors(record).repeat(3)
        data = tile_records(records, tile_size=16, batch_size=7)
        assert data.cardinality() == 6 == len(list(data))
        dropped = tile_records(
            records, tile_size=16, batch_size=7, drop_remainder=True
        )
        assert dropped.cardinality() == 5 == len(list(dropped))
        endless = tile_records(records, tile_size=16, repeat=True)
        assert endless.cardinality() == tf.data.INFINITE_CARDINALITY

    @pytest.mark.parametrize(
        "arguments, message",
        [
            (dict(shuffle=True), "`shuffle` must be a number"),
            (dict(shuffle=-1), "`shuffle` must be a number"),
            (dict(batch_size=0), "`batch_size` must be a positive int"),
            (dict(images_at_once=0), "`images_at_once` must be a positive"),
            (dict(stride=20), "`stride` must not be longer"),
            (dict(protocol="isaid"), "`protocol` sets `tile_size`"),
            (dict(class_weights=[]), "`class_weights` must be a float"),
            (dict(first_epoch=1), "`first_epoch` needs repeat"),
            (
                dict(places=True, augmentation=Augmentation(scale=(1, 2))),
                "`places` needs unscaled windows",
            ),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            tile_records(
                as_dataset([]), **{"tile_size": 16, "stride": 8, **arguments}
            )

    def test_other_datasets_are_refused(self):
        record = make_record(20, 20)
        del record["name"]
        data = tf.data.Dataset.from_tensors(record)
        for records, message in (
            ([record], "must be a tf.data.Dataset of dicts"),
            (data.map(lambda r: r["image"]), "of dicts"),
            (data.batch(1), "do not batch them"),
            (data.repeat(), "`records` must end"),
        ):
            with pytest.raises(ValueError, match=message):
                tile_records(records)
        with pytest.raises(ValueError, match='records with a "name"'):
            tile_records(data, places=True)
