"""Crops are where they say, and hold the drawn class."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_rsseg.data import Augmentation  # noqa: E402
from keras_rsseg.data import join_tiles  # noqa: E402
from keras_rsseg.data import tile_dataset  # noqa: E402
from tests.data.files import random_image  # noqa: E402
from tests.data.files import write_raster  # noqa: E402


def numbered(*sizes):
    """Images whose bands are a mask that tells pixels apart."""
    masks = [
        (np.arange(height * width).reshape(height, width) % 251).astype("u1")
        for height, width in sizes
    ]
    images = [np.repeat(mask[..., None], 3, -1) for mask in masks]
    return images, masks


class TestPlaces:
    def test_names_are_paths_or_numbers(self, tmp_path):
        image = write_raster(tmp_path / "a.png", random_image(20, 30))
        for images, name in (
            (image, str(image)),
            (random_image(20, 30), "images[0]"),
        ):
            data = tile_dataset(images, tile_size=16, places=True)
            tiles, places = next(iter(data))
            assert tiles.shape == (4, 16, 16, 3)
            assert set(places["name"].numpy()) == {name.encode()}
            assert places["row"].numpy().tolist() == [0, 0, 4, 4]
            assert places["col"].numpy().tolist() == [0, 14, 0, 14]
            assert set(places["height"].numpy()) == {20}
            assert set(places["width"].numpy()) == {30}

    @pytest.mark.parametrize("sampling", ["random", "balanced"])
    def test_a_crop_lies_where_it_says(self, sampling):
        # Smaller than the tile along one axis: rows are negative.
        images, masks = numbered((10, 60), (60, 41))
        data = tile_dataset(
            images,
            masks,
            tile_size=16,
            sampling=sampling,
            tiles_per_epoch=20,
            places=True,
            seed=1,
        )
        rows = []
        for tiles, _, places in data.as_numpy_iterator():
            scenes = join_tiles([(tiles, places)])
            rows += places["row"].tolist()
            for name, scene in scenes.items():
                image = images[int(name[7])]
                assert scene.shape == image.shape
                known = (scene > 0).any(-1)
                np.testing.assert_array_equal(scene[known], image[known])
        assert min(rows) < 0 < max(rows)

    def test_scaled_tiles_have_no_place(self):
        with pytest.raises(ValueError, match="`places` needs unscaled windows"):
            tile_dataset(
                random_image(20, 30),
                tile_size=16,
                places=True,
                augmentation=Augmentation(scale=(0.5, 2)),
            )


class TestBalanced:
    def scene(self):
        """Class 0 except for a spot of class 3, and void on the right."""
        mask = np.zeros((200, 300), "u1")
        mask[50:54, 120:124] = 3
        mask[:, 200:] = 255
        image = np.repeat(mask[..., None], 3, -1)
        return image, mask

    def draw(self, **arguments):
        image, mask = self.scene()
        data = tile_dataset(
            [image, image[:40]],
            [mask, mask[:40]],
            tile_size=32,
            tiles_per_epoch=100,
            batch_size=25,
            seed=2,
            places=True,
            **arguments,
        )
        images, masks, places = zip(*data.as_numpy_iterator(), strict=True)
        places = {
            key: np.concatenate([place[key] for place in places])
            for key in places[0]
        }
        return np.concatenate(images), np.concatenate(masks), places

    def test_each_class_is_drawn_as_often(self):
        images, masks, places = self.draw(sampling="balanced")
        np.testing.assert_array_equal(images[..., 0], masks)
        assert (masks != 255).any((1, 2)).all()
        holds = (masks == 3).any((1, 2))
        # 50 of 100 expected, four standard deviations are 20.
        assert 30 <= holds.sum() <= 70
        _, plain, _ = self.draw(sampling="random")
        share = [
            (ids == 3).sum() / (ids != 255).sum() for ids in (masks, plain)
        ]
        assert share[0] > 5 * share[1]
        # The 16 pixels of the spot are not always in the same place of a tile.
        spots = places["row"][holds], places["col"][holds]
        starts = {(row, col) for row, col in zip(*spots, strict=True)}
        assert len(starts) > 0.8 * holds.sum()
        assert np.ptp(places["row"][holds]) > 15

    def test_weights_say_how_often(self):
        _, masks, _ = self.draw(sampling="balanced", class_weights=[0, 5, 5, 1])
        assert (masks == 3).any((1, 2)).all()
        _, masks, _ = self.draw(sampling="balanced", class_weights=[1, 5, 5, 0])
        assert (masks == 3).any((1, 2)).mean() < 0.15

    @pytest.mark.parametrize(
        "arguments, message",
        [
            (dict(masks=None), "There are no masks"),
            (dict(masks=np.full((40, 40), 255, "u1")), "that hold a class"),
            (dict(class_weights=[0, 1]), "that hold a class"),
            (dict(class_weights=[-1]), "a float of at least 0 for each"),
            (dict(masks=np.full((40, 40), 4), class_weights=[1]), "class 4"),
            (dict(stride=4), "`stride` needs sampling"),
            (
                dict(sampling="random", class_weights=[1]),
                "`class_weights` needs sampling='balanced'",
            ),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, message):
        arguments = {
            "masks": np.zeros((40, 40), "u1"),
            "sampling": "balanced",
            **arguments,
        }
        with pytest.raises(ValueError, match=message):
            tile_dataset(random_image(40, 40), tile_size=16, **arguments)
