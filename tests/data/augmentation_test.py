"""A mask pixel stays on its image pixel, and a seed on its tile."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_rsseg.data import tile_dataset  # noqa: E402
from keras_rsseg.data.augmentation import Augmentation  # noqa: E402


def blocks(size=64, cell=8):
    """A mask of blocks, each with its own id, and an equal image."""
    rows, cols = np.indices((size, size)) // cell
    mask = (1 + rows * (size // cell) + cols).astype("int32")
    return np.repeat(mask[..., None], 3, -1).astype("uint8"), mask


def run(augmentation, image, mask, seed):
    image, mask = augmentation(image, mask, seed=(0, seed))
    return image.numpy(), mask.numpy()


def inside_blocks(ids):
    """Pixels whose neighbours up to three pixels away have the same id."""
    inner = ids != 255
    for axis in (-2, -1):
        for shift in (-3, -2, -1, 1, 2, 3):
            inner &= ids == np.roll(ids, shift, axis)
    return inner


class TestGeometry:
    def test_flips_and_turns_move_mask_and_image_alike(self):
        image, mask = blocks()
        seen = set()
        for seed in range(40):
            turned, ids = run(Augmentation(), image, mask, seed)
            np.testing.assert_array_equal(turned[..., 0], ids)
            seen.add(ids.tobytes())
        # All eight symmetries of the square occur, and nothing else.
        symmetries = {
            np.rot90(flipped, turns).tobytes()
            for flipped in (mask, mask[::-1])
            for turns in range(4)
        }
        assert seen == symmetries

    @pytest.mark.parametrize(
        "flip, allowed",
        [
            ("horizontal", [(1, 1), (1, -1)]),
            ("vertical", [(1, 1), (-1, 1)]),
        ],
    )
    def test_one_flip_alone(self, flip, allowed):
        image, mask = blocks()
        augmentation = Augmentation(flip, rotate90=False)
        seen = set()
        for seed in range(12):
            turned, ids = run(augmentation, image, mask, seed)
            np.testing.assert_array_equal(turned[..., 0], ids)
            seen.add(ids.tobytes())
        assert seen == {mask[::r, ::c].tobytes() for r, c in allowed}

    def test_tiles_that_are_not_square_keep_their_shape(self):
        image, mask = blocks()
        image, mask = image[:40], mask[:40]
        seen = set()
        for seed in range(30):
            turned, ids = run(Augmentation(), image, mask, seed)
            assert turned.shape == (40, 64, 3)
            np.testing.assert_array_equal(turned[..., 0], ids)
            seen.add(ids.tobytes())
        assert len(seen) == 4

    @pytest.mark.parametrize("scale", [(0.5, 0.5), (2, 2), (0.5, 2), (3, 3)])
    def test_scaled_masks_stay_on_their_image(self, scale):
        image, mask = blocks()
        for seed in range(10):
            scaled, ids = run(Augmentation(scale=scale), image, mask, seed)
            scaled = scaled[..., 0].astype(int)
            void = ids == 255
            # Within half an interpolation step of a border the image mixes
            # two blocks; anywhere else it must equal the mask.
            apart = np.abs(np.where(void, 0, ids) - scaled)
            assert (apart > 0).mean() < 0.5 * min(1, scale[1] / 1.5)
            inner = np.ones_like(void)
            for axis in (0, 1):
                for shift in (-3, -2, -1, 1, 2, 3):
                    inner &= ids == np.roll(ids, shift, axis)
            # Rolled over two axes in turn, which includes diagonals.
            assert (apart[inner & ~void] == 0).all()
            assert inner.any()

    def test_a_ramp_is_sampled_where_the_mask_is(self):
        # A shift of the mask by half a pixel would show as a bias.
        rows = np.repeat(np.arange(128)[:, None], 128, 1)
        image = (rows[..., None] * 1.0).astype("float32")
        augmentation = Augmentation(False, False, scale=(0.6, 1.9))
        for seed in range(10):
            scaled, ids = augmentation(image, rows, seed=(1, seed))
            known = ids.numpy() != 255
            apart = (scaled.numpy()[..., 0] - ids.numpy())[known]
            assert np.abs(apart).max() < 1.01
            assert abs(apart.mean()) < 0.15

    def test_a_rotated_ramp_is_sampled_where_the_mask_is(self):
        rows, cols = np.indices((128, 128))
        for ramp in (rows, cols):
            image = (ramp[..., None] * 1.0).astype("float32")
            for scale in ((1, 1), (0.7, 0.7)):
                augmentation = Augmentation(False, False, scale, rotate=180)
                for seed in range(3):
                    turned, ids = augmentation(image, ramp, (1, seed))
                    apart = turned.numpy()[..., 0] - ids.numpy()
                    apart = apart[ids.numpy() != 255]
                    # The nearest pixel of a turned grid is up to half a
                    # pixel away along each axis, and no bias to any side.
                    assert np.abs(apart).max() < 0.51 / min(scale)
                    assert abs(apart.mean()) < 0.02

    def test_a_rotation_turns_about_the_centre(self):
        # A cross of one pixel in the middle stays there; corners are void.
        mask = np.zeros((65, 65), "int32")
        mask[32, 32] = 7
        image = np.full((65, 65, 1), 100, "uint8")
        augmentation = Augmentation(False, False, rotate=180)
        void = []
        for seed in range(8):
            turned, ids = run(augmentation, image, mask, seed)
            assert ids[32, 32] == 7
            # A black corner must not bleed into the image next to it.
            assert set(np.unique(turned[ids != 255])) == {100}
            assert not turned[ids == 255].any()
            void.append((ids == 255).mean())
        # At 45 degrees the corners are 17 % of a square.
        assert max(void) < 0.18 and max(void) > 0.1 > min(void)

    def test_small_angles_stay_small(self):
        _, mask = blocks()
        augmentation = Augmentation(False, False, rotate=10)
        for seed in range(5):
            _, ids = run(augmentation, mask[..., None] * 1.0, mask, seed)
            same = (ids == mask)[24:40, 24:40]
            assert same.mean() > 0.7
            # 10 degrees leave at most 8 % of a square in the corners.
            assert (ids == 255).mean() < 0.09

    @pytest.mark.parametrize("size", [(48, 48), (48, 32)])
    def test_batches_of_the_pipeline_stay_aligned(self, size):
        # Ids 0..254 of blocks, each pixel's image value is its mask's.
        mask = np.arange(255).reshape(15, 17).repeat(16, 0).repeat(16, 1)
        mask = mask.astype("uint8")
        image = np.repeat(mask[..., None], 3, -1)
        exact = Augmentation(seed=1)
        for augmentation in (
            exact,
            Augmentation(True, True, (0.5, 2.0), seed=1, rotate=180),
        ):
            tiles = tile_dataset(
                [image, image[:, :200]],
                [mask, mask[:, :200]],
                tile_size=size,
                augmentation=augmentation,
                batch_size=5,
            )
            known = 0
            for images, masks in tiles.as_numpy_iterator():
                inner = masks != 255
                if augmentation is not exact:
                    inner = inside_blocks(masks)
                    assert not images[masks == 255].any()
                values = images[inner]
                ids = np.repeat(masks[inner][:, None], 3, -1)
                np.testing.assert_array_equal(values, ids)
                known += inner.sum()
            assert known > 10_000

    def test_a_shrunk_tile_is_surrounded_by_void(self):
        image, mask = blocks(32)
        augmentation = Augmentation(False, False, scale=(0.5, 0.5))
        scaled, ids = run(augmentation, image, mask, 3)
        assert (ids != 255).sum() == 16 * 16
        rows, cols = np.nonzero(ids != 255)
        assert np.ptp(rows) == 15 and np.ptp(cols) == 15
        outside = np.ones((32, 32), bool)
        outside[rows.min() - 1 : rows.max() + 2] = False
        assert outside.any() and (scaled[outside] == 0).all()

    def test_scales_fill_their_range_evenly_in_octaves(self):
        augmentation = Augmentation(scale=(0.5, 2))
        sizes = np.array(
            [
                augmentation.source_size((256, 256), (5, seed)).numpy()[0]
                for seed in range(300)
            ]
        )
        assert 128 <= sizes.min() < 135 and 490 < sizes.max() <= 512
        assert 0.4 < (sizes > 256).mean() < 0.6

    def test_uniform_scales_are_larger_than_one_more_often(self):
        augmentation = Augmentation(
            scale=(0.5, 2), scale_distribution="uniform"
        )
        seeds = [(5, seed) for seed in range(200)]
        sizes = [augmentation.source_size((256, 256), s) for s in seeds]
        scales = 256 / np.array([size.numpy()[0] for size in sizes])
        assert 0.5 <= scales.min() < 0.55 and 1.9 < scales.max() < 2.01
        # The mean of U(0.5, 2) is 1.25; in octaves it would be 1.08.
        assert abs(scales.mean() - 1.25) < 0.1


class TestColor:
    def test_gains_stay_in_their_limits(self):
        image = np.full((4, 4, 3), 100, "float32")
        found = []
        for seed in range(60):
            changed, _ = run(
                Augmentation(False, False, brightness=0.2),
                image,
                np.zeros((4, 4), "int32"),
                seed,
            )
            assert np.ptp(changed) == 0
            found.append(changed[0, 0, 0])
        assert 79.9 <= min(found) < 88 and 112 < max(found) <= 120.1

    def test_channels_change_by_themselves(self):
        image = np.full((4, 4, 3), 100, "float32")
        mask = np.zeros((4, 4), "int32")
        changed, _ = run(Augmentation(channel=0.3), image, mask, 1)
        assert len(np.unique(changed)) == 3

    def test_contrast_keeps_the_mean(self):
        rng = np.random.default_rng(0)
        image = rng.uniform(50, 150, (16, 16, 3)).astype("float32")
        mask = np.zeros((16, 16), "int32")
        changed, _ = run(Augmentation(contrast=0.5), image, mask, 2)
        assert changed.mean() == pytest.approx(image.mean(), rel=1e-4)
        assert changed.std() != pytest.approx(image.std(), rel=0.01)

    def test_uint8_clips_and_what_is_outside_stays_black(self):
        image = np.full((32, 32, 3), 250, "uint8")
        mask = np.zeros((32, 32), "uint8")
        augmentation = Augmentation(
            scale=(0.5, 0.7),
            brightness=0.9,
            contrast=0.9,
            channel=0.9,
            haze=20,
            blur=2,
        )
        for seed in range(10):
            changed, ids = run(augmentation, image, mask, seed)
            assert changed.dtype == ids.dtype == np.uint8
            assert set(np.unique(ids)) == {0, 255}
            assert (changed[ids == 255] == 0).all()
            # A product beyond 255 must clip, not wrap to dark, and a flat
            # image stays flat up to its rim: no black is mixed in.
            assert np.ptp(changed[ids == 0], axis=0).max() <= 1

    def test_haze_brightens_black_where_there_is_an_image(self):
        image = np.zeros((16, 16, 3), "uint8")
        haze = Augmentation(False, False, haze=80)
        veils = np.array(
            [
                haze(image, None, (0, seed)).numpy().reshape(-1, 3)
                for seed in range(50)
            ]
        )
        # One veil per tile, equally bright in every pixel.
        assert (veils == veils[:, :1]).all()
        veils = veils[:, 0].astype(float)
        assert veils.max() <= 80 and veils.max() > 60
        assert veils.max(axis=1).min() < 20
        # Bands get between half and all of it.
        assert (veils.min(axis=1) >= veils.max(axis=1) / 2 - 1).all()
        assert np.ptp(veils, axis=1).max() > 10
        beyond = Augmentation(False, False, (0.5, 0.5), haze=80)
        hazy, mask = beyond(image, np.zeros((16, 16), "int32"), (0, 1))
        empty = mask.numpy() == 255
        assert empty.any() and not hazy.numpy()[empty].any()
        assert hazy.numpy()[~empty].all()

    def test_blur_smooths_and_keeps_the_mean(self):
        image = np.random.default_rng(0).uniform(1, 9, (64, 64, 2))
        image = image.astype("float32")
        blurred = Augmentation(False, False, blur=3)(image, None, (0, 1))
        assert blurred.numpy().std() < 0.9 * image.std()
        assert blurred.numpy().mean() == pytest.approx(5, rel=0.02)
        flat = Augmentation(False, False, blur=3)(
            np.full((9, 9, 1), 7, "float32"), None, (0, 1)
        )
        np.testing.assert_allclose(flat, 7, rtol=1e-5)

    def test_blur_is_a_gaussian_that_repeats_the_border(self):
        image = np.random.default_rng(0).uniform(0, 255, (20, 23, 2))
        augmentation = Augmentation(False, False, blur=(1.3, 1.3))
        found = augmentation(image.astype("float32"), None, (0, 1)).numpy()
        steps = np.arange(-8, 9)
        kernel = np.exp(-(steps**2) / (2 * 1.3**2))
        kernel /= kernel.sum()
        wanted = np.pad(image, ((8, 8), (8, 8), (0, 0)), mode="edge")
        for axis in (0, 1):
            wanted = np.apply_along_axis(
                np.convolve, axis, wanted, kernel, "valid"
            )
        np.testing.assert_allclose(found, wanted, atol=0.05)

    def test_a_blur_of_a_pair_is_never_left_out(self):
        image = np.random.default_rng(0).uniform(1, 9, (32, 32, 1))
        image = image.astype("float32")
        spread = {"always": [], "from 0": []}
        for seed in range(20):
            for name, blur in (("always", (0.8, 1.3)), ("from 0", 1.3)):
                blurred = Augmentation(False, False, blur=blur)
                blurred = blurred(image, None, (0, seed)).numpy()
                spread[name].append(blurred.std() / image.std())
        assert max(spread["always"]) < 0.45
        assert max(spread["from 0"]) > 0.9


class TestSeeds:
    everything = dict(
        scale=(0.5, 2), brightness=0.2, contrast=0.2, channel=0.2, blur=1
    )

    def test_the_same_seed_gives_the_same_tile(self):
        image, mask = blocks()
        one = run(Augmentation(**self.everything), image, mask, 7)
        two = run(Augmentation(**self.everything), image, mask, 7)
        other = run(Augmentation(**self.everything), image, mask, 8)
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])
        assert (one[0] != other[0]).any()

    def test_map_over_a_dataset(self):
        image, mask = blocks()

        def tiles():
            data = tf.data.Dataset.from_tensors((image, mask)).repeat(4)
            data = data.map(Augmentation(seed=3, **self.everything))
            return [tile.numpy() for tile, _ in data]

        first, second = tiles(), tiles()
        np.testing.assert_array_equal(first, second)
        assert (first[0] != first[1]).any()

    def test_an_image_alone(self):
        image, _ = blocks()
        assert Augmentation()(image).shape == (64, 64, 3)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(scale=(2, 1)), "`scale`"),
        (dict(scale=(0, 1)), "`scale`"),
        (dict(scale=(1,)), "`scale`"),
        (dict(brightness=1.5), "`brightness`"),
        (dict(contrast=-0.1), "`contrast`"),
        (dict(channel=2), "`channel`"),
        (dict(blur=-1), "`blur`"),
        (dict(blur=(2, 1)), "`blur`"),
        (dict(rotate=200), "`rotate`"),
        (dict(rotate=-1), "`rotate`"),
        (dict(flip="left"), "`flip`"),
        (dict(scale_distribution="log"), "`scale_distribution`"),
        (dict(haze=-1), "`haze`"),
    ],
)
def test_bad_strengths_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**arguments)
