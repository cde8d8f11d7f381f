"""Colour changes do what they state, each with its own random numbers."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_rsseg.data import Augmentation  # noqa: E402
from keras_rsseg.data import ColorStatistics  # noqa: E402
from keras_rsseg.data import ColorTransfer  # noqa: E402
from keras_rsseg.data import tile_dataset  # noqa: E402
from keras_rsseg.data import tile_records  # noqa: E402
from keras_rsseg.errors import ArgumentError  # noqa: E402
from tests.data.files import random_image  # noqa: E402

SEEDS = range(60)


def noise(bands=3, dtype="float32"):
    rng = np.random.default_rng(0)
    return rng.integers(20, 200, (16, 16, bands)).astype(dtype)


def change(image, seed, **strengths):
    augmentation = Augmentation(False, False, **strengths)
    return augmentation(image, None, (0, seed)).numpy()


class TestStreams:
    """A release must not change the tiles of a seed."""

    def test_numbers_are_those_of_the_first_release(self):
        flat = np.full((2, 2, 3), 100, "float32")
        ramp = flat * np.float32([1, 2, 3])
        for strengths, image, wanted in (
            (dict(brightness=0.5), flat, [50.811, 50.811, 50.811]),
            (dict(contrast=0.5), ramp, [54.752, 200.0, 345.248]),
            (dict(channel=0.5), flat, [101.537, 80.631, 74.413]),
            (dict(haze=100), flat, [132.433, 149.451, 148.432]),
        ):
            found = change(image, 0, **strengths)[0, 0]
            np.testing.assert_allclose(found, wanted, rtol=1e-4)

    def test_new_changes_draw_by_themselves(self):
        # On grey pixels a saturation changes nothing, and neither do the
        # transfer to the source itself and a gamma near 0.
        image = np.repeat(noise(1), 3, axis=-1)
        old = dict(brightness=0.3, contrast=0.3, haze=20, blur=1)
        same = ColorStatistics((100,) * 3, (50,) * 3)
        for new in (
            dict(saturation=0.5),
            dict(color_transfer=ColorTransfer(same, [same])),
            dict(gamma=1e-7, value_range=(0, 255)),
        ):
            np.testing.assert_allclose(
                change(image, 1, **old, **new),
                change(image, 1, **old),
                rtol=1e-4,
            )


class TestSaturation:
    def test_the_distance_from_grey_has_a_gain_and_grey_stays(self):
        image = noise()
        grey = image.mean(-1, keepdims=True)
        gains = []
        for seed in SEEDS:
            changed = change(image, seed, saturation=0.4)
            np.testing.assert_allclose(
                changed.mean(-1), grey[..., 0], rtol=1e-4
            )
            apart = changed - grey
            gains.append(apart.std() / (image - grey).std())
            np.testing.assert_allclose(
                apart, (image - grey) * gains[-1], atol=0.01
            )
        assert 0.6 <= min(gains) < 0.65 and 1.35 < max(gains) <= 1.4

    def test_one_band_is_grey(self):
        image = noise(1)
        np.testing.assert_array_equal(change(image, 0, saturation=0.9), image)


class TestGamma:
    @pytest.mark.parametrize(
        "dtype, value_range, black, white",
        [
            ("uint8", None, 0, 255),
            ("uint16", None, 0, 65535),
            ("uint16", (100, 4000), 100, 4000),
            ("float32", (-1, 3), -1, 3),
        ],
    )
    def test_a_power_between_black_and_white(
        self, dtype, value_range, black, white
    ):
        shares = np.linspace(0, 1, 256).reshape(16, 16, 1)
        image = (black + shares * (white - black)).astype(dtype)
        powers = []
        for seed in SEEDS:
            changed = change(
                image, seed, gamma=0.5, value_range=value_range
            ).astype(float)
            assert changed[0, 0, 0] == black
            assert changed[-1, -1, 0] == pytest.approx(white)
            share = (changed - black) / (white - black)
            middle = (image[8, 8, 0] - black) / (white - black)
            powers.append(np.log(share[8, 8, 0]) / np.log(middle))
            np.testing.assert_allclose(
                share,
                ((image.astype(float) - black) / (white - black)) ** powers[-1],
                atol=0.01,
            )
        assert 0.66 < min(powers) < 0.72 and 1.4 < max(powers) < 1.51
        # Equally often brighter and darker.
        assert 0.35 < np.mean(np.array(powers) < 1) < 0.65

    def test_below_black_stays_and_above_white_goes_on(self):
        image = np.array([[[-3.0, 0.0, 1.0, 4.0]]], "float32")
        changed = change(image, 1, gamma=1, value_range=(0, 1))[0, 0]
        assert changed[:3].tolist() == [-3, 0, 1]
        assert changed[3] != pytest.approx(4) and changed[3] > 1
        assert np.isfinite(changed).all()


class TestJpeg:
    def test_lower_qualities_lose_more(self):
        image = noise(dtype="uint8")
        lost = [
            np.abs(
                change(image, 0, jpeg=(quality, quality)).astype(int) - image
            ).mean()
            for quality in (100, 80, 40, 10)
        ]
        assert lost == sorted(lost)
        # Even at 100 the colours are halved in resolution.
        assert lost[-1] > 1.2 * lost[0] > 0

    def test_it_is_the_file_that_a_jpeg_would_be(self):
        image = random_image(24, 24)
        stored = tf.io.encode_jpeg(image, quality=60)
        wanted = tf.io.decode_jpeg(stored, dct_method="INTEGER_ACCURATE")
        for dtype, scale, value_range in (
            ("uint8", 1, None),
            ("uint16", 257, None),
            ("float32", 1 / 255, (0, 1)),
            ("uint8", 1, (0, 255)),
        ):
            found = change(
                (image * np.float64(scale)).round(7).astype(dtype),
                3,
                jpeg=(60, 60),
                value_range=value_range,
            )
            np.testing.assert_allclose(
                found, wanted.numpy() * np.float64(scale), rtol=1e-5
            )

    def test_qualities_fill_their_range_and_repeat_by_seed(self):
        image = noise(dtype="uint8")
        single = {
            change(image, 0, jpeg=(quality, quality)).tobytes()
            for quality in (30, 31, 32)
        }
        assert len(single) == 3
        found = [change(image, seed, jpeg=(30, 32)) for seed in range(20)]
        assert {tile.tobytes() for tile in found} == single
        again = [change(image, seed, jpeg=(30, 32)) for seed in range(20)]
        np.testing.assert_array_equal(found, again)

    def test_it_comes_last_and_void_stays_black(self):
        image = np.full((32, 32, 1), 250, "uint8")
        augmentation = Augmentation(
            scale=(0.5, 0.5), haze=20, gamma=0.2, jpeg=(5, 20)
        )
        changed, mask = augmentation(image, np.zeros((32, 32), "int32"), (0, 1))
        void = mask.numpy() == 255
        assert void.any() and not changed.numpy()[void].any()
        # No black was mixed into the rim by the blocks of 8 pixels.
        assert changed.numpy()[~void].min() > 240

    def test_beyond_the_range_is_cut_off(self):
        image = np.array([-5.0, 0.2, 7.0], "float32").reshape(1, 3, 1)
        image = image.repeat(8, 0).repeat(8, 1)
        changed = change(image, 0, jpeg=(100, 100), value_range=(0, 1))
        assert changed.min() == 0 and changed.max() == 1

    @pytest.mark.parametrize("bands", [2, 4])
    def test_other_bands_are_refused(self, bands):
        with pytest.raises(ArgumentError, match=f"`jpeg`.*{bands} bands"):
            change(noise(bands, "uint8"), 0, jpeg=(40, 100))


class TestColorTransfer:
    source = ColorStatistics((100, 110, 120), (50, 40, 30))
    target = ColorStatistics((60, 90, 70), (20, 40, 45))

    def test_tiles_go_a_share_of_the_way(self):
        image = noise()
        transfer = ColorTransfer(self.source, [self.target])
        starts, ends = (
            [np.array(numbers) for numbers in (one.means, one.deviations)]
            for one in (self.source, self.target)
        )
        shares = []
        for seed in SEEDS:
            changed = change(image, seed, color_transfer=transfer)
            # The first band's deviations tell the share; all follow it.
            gain = changed[..., 0].std() / image[..., 0].std()
            share = (gain * 50 - 50) / (20 - 50)
            mean, deviation = (
                start + share * (end - start)
                for start, end in zip(starts, ends, strict=True)
            )
            wanted = (image - starts[0]) / starts[1] * deviation + mean
            np.testing.assert_allclose(changed, wanted, atol=0.01)
            shares.append(share)
        assert -1e-4 < min(shares) < 0.1 and 0.9 < max(shares) < 1.0001

    def test_water_of_the_source_becomes_water_of_the_target(self):
        # With its own statistics a tile of water would become (60, 90, 70).
        water = np.broadcast_to(np.float32([30, 50, 90]), (8, 8, 3))
        transfer = ColorTransfer(self.source, [self.target])
        found = [
            change(water, seed, color_transfer=transfer)[0, 0] for seed in SEEDS
        ]
        assert np.ptp(found, axis=0).max() > 10
        np.testing.assert_allclose(
            min(found, key=lambda color: color[2]), (32, 30, 25), atol=3
        )

    def test_every_target_is_drawn(self):
        targets = [
            ColorStatistics([mean] * 3, [1e-3] * 3) for mean in (0, 500, 1000)
        ]
        transfer = ColorTransfer(self.source, targets)
        flat = np.full((2, 2, 3), (100, 110, 120), "float32")
        found = [
            change(flat, seed, color_transfer=transfer)[0, 0] for seed in SEEDS
        ]
        # From (100, 110) towards the target, whatever the share.
        slopes = [(color[1] - 110) / (color[0] - 100) for color in found]
        wanted = [(mean - 110) / (mean - 100) for mean in (0, 500, 1000)]
        apart = np.abs(np.subtract.outer(wanted, slopes))
        assert apart.min(0).max() < 1e-3
        assert set(apart.argmin(0)) == {0, 1, 2}

    def test_other_bands_are_refused(self):
        transfer = ColorTransfer(self.source, [self.target])
        with pytest.raises(ArgumentError, match="3 bands, images of 4"):
            change(noise(4), 0, color_transfer=transfer)


ALL = dict(
    saturation=0.3,
    gamma=0.3,
    jpeg=(40, 100),
    color_transfer=ColorTransfer(
        TestColorTransfer.source, [TestColorTransfer.target]
    ),
)


class TestPipelines:
    def test_all_at_once_are_each_in_the_documented_order(self):
        changes = dict(
            blur=(1.0, 1.5),
            color_transfer=ALL["color_transfer"],
            contrast=0.3,
            brightness=0.3,
            saturation=0.3,
            channel=0.3,
            gamma=0.5,
            haze=30,
            jpeg=(40, 60),
        )
        image, value_range = noise(), (0, 255)
        wanted = image
        for name, strength in changes.items():
            before = wanted
            wanted = change(
                before, 8, value_range=value_range, **{name: strength}
            )
            assert np.abs(wanted - before).mean() > 1, name
        found = change(image, 8, value_range=value_range, **changes)
        # Rounding can move a pixel by one of JPEG's levels.
        assert np.abs(found - wanted).mean() < 0.01

    @pytest.mark.parametrize("dtype", ["uint8", "float32"])
    def test_tiles_repeat_by_seed(self, dtype):
        images = [random_image(40, 50).astype(dtype)]
        masks = [np.zeros((40, 50), "uint8")]
        augmentation = Augmentation(
            scale=(0.5, 2.0), value_range=(0, 255), seed=3, **ALL
        )
        records = tf.data.Dataset.from_tensors(
            {"image": images[0], "mask": masks[0]}
        )

        def tiles(of):
            if of == "records":
                tiles = tile_records(
                    records, tile_size=16, augmentation=augmentation
                )
            else:
                tiles = tile_dataset(
                    images,
                    masks,
                    tile_size=16,
                    sampling="random",
                    tiles_per_epoch=8,
                    augmentation=augmentation,
                )
            return np.concatenate([batch.numpy() for batch, _ in tiles])

        for of in ("records", "list"):
            first, second = tiles(of), tiles(of)
            assert first.dtype == dtype and first.shape[1:] == (16, 16, 3)
            np.testing.assert_array_equal(first, second)
            assert len(np.unique(first.reshape(len(first), -1), axis=0)) > 4

    def test_map_over_a_dataset(self):
        image, mask = noise(dtype="uint8"), np.ones((16, 16), "int32")
        data = tf.data.Dataset.from_tensors((image, mask)).repeat(3)
        tiles = list(data.map(Augmentation(seed=1, **ALL)))
        assert len({tile.numpy().tobytes() for tile, _ in tiles}) == 3
        assert tiles[0][0].dtype == "uint8"

    @pytest.mark.parametrize("name", ["gamma", "jpeg"])
    @pytest.mark.parametrize("repeat", [False, True])
    def test_floats_without_a_range_are_refused_at_once(self, name, repeat):
        # 16-bit files are also floats.
        image = random_image(20, 20).astype("uint16")
        augmentation = Augmentation(**{name: ALL[name]}, seed=1)
        with pytest.raises(
            ArgumentError, match=f"`{name}` needs `value_range`.*float32"
        ):
            tile_dataset(
                image, tile_size=16, augmentation=augmentation, repeat=repeat
            )


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(saturation=1), "`saturation`"),
        (dict(gamma=-0.1), "`gamma`"),
        (dict(gamma=float("nan")), "`gamma`"),
        (dict(jpeg=80), "`jpeg`.*80"),
        (dict(jpeg=(90, 40)), "`jpeg`"),
        (dict(jpeg=(0, 40)), "`jpeg`"),
        (dict(jpeg=(0.4, 1.0)), "`jpeg`"),
        (dict(jpeg=(40, 101)), "`jpeg`"),
        (dict(value_range=(1, 0)), "`value_range`"),
        (dict(value_range=255), "`value_range`"),
        (dict(color_transfer=TestColorTransfer.source), "`color_transfer`"),
    ],
)
def test_bad_strengths_are_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        Augmentation(**arguments)
