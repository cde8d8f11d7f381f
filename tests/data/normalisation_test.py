"""A normalisation fitted to the user's bands, kept by the preset."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.data import fit_normalisation
from keras_rsseg.data import tile_dataset
from keras_rsseg.errors import ArgumentError
from tests.models.segmenter_test import make_model
from tests.scenes.scene_files import write_scene

BANDS = ("red", "green", "blue", "nir")


@pytest.fixture
def scenes():
    random = np.random.default_rng(0)
    means = np.array([500, 900, 700, 3000])
    return [
        (means + random.normal(0, means / 4, (size, 48, 4)))
        .clip(1, 9999)
        .astype("uint16")
        for size in (40, 56)
    ]


def normalised(found, pixels):
    return pixels.astype("float64") * found.scale + found.offset


def test_each_band_gets_a_mean_of_0_and_a_deviation_of_1(scenes):
    found = fit_normalisation(scenes, names=BANDS)
    pixels = np.concatenate([scene.reshape(-1, 4) for scene in scenes])
    values = normalised(found, pixels)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-9)
    assert found.value_range == (pixels.min(), pixels.max())
    assert found.bands == BANDS


def test_tiles_give_what_their_images_do(scenes):
    whole = fit_normalisation(scenes[0][:32, :32])
    tiles = tile_dataset([scenes[0][:32, :32]], tile_size=16, batch_size=2)
    found = fit_normalisation(tiles)
    np.testing.assert_allclose(found.scale, whole.scale, rtol=1e-6)
    np.testing.assert_allclose(found.offset, whole.offset, rtol=1e-6)
    assert found.value_range == whole.value_range


def test_void_does_not_count(scenes):
    image, mask = scenes[0].copy(), np.zeros(scenes[0].shape[:2], "uint8")
    image[:8], mask[:8], mask[8:12] = 60_000, 255, 1
    tiles = tile_dataset(
        [image], [mask], tile_size=8, batch_size=4, num_classes=2
    )
    expected = fit_normalisation(scenes[0][8:])
    np.testing.assert_allclose(
        fit_normalisation(tiles).scale, expected.scale, rtol=1e-6
    )


def test_no_data_of_a_file_does_not_count(scenes, tmp_path):
    image = scenes[0].copy()
    image[:8] = 0
    path = tmp_path / "a.tif"
    write_scene(path, image.transpose(2, 0, 1), nodata=0)
    found = fit_normalisation([path])
    expected = fit_normalisation(scenes[0][8:])
    np.testing.assert_allclose(found.scale, expected.scale, rtol=1e-6)
    assert found.value_range == expected.value_range


def test_8_bits_keep_their_range():
    image = np.random.default_rng(0).integers(40, 90, (16, 16, 3))
    found = fit_normalisation(image.astype("uint8"))
    assert found.value_range == (0, 255)
    assert fit_normalisation(image, value_range=(0, 100)).value_range == (
        0,
        100,
    )


def test_a_preset_keeps_it(scenes, tmp_path):
    make_model().save_to_preset(tmp_path / "rgb")
    found = fit_normalisation(scenes, names=BANDS)
    model = keras_rsseg.from_preset(tmp_path / "rgb", normalisation=found)
    model.save_to_preset(tmp_path / "mine")
    model = keras_rsseg.from_preset(tmp_path / "mine")
    assert model.bands == BANDS
    assert model.value_range == found.value_range
    values = keras.ops.convert_to_numpy(model.preprocessor(scenes[0][None]))
    np.testing.assert_allclose(
        values[0], normalised(found, scenes[0]), atol=1e-4
    )
    # A scene of these bands needs no `value_range`.
    write_scene(tmp_path / "scene.tif", scenes[0].transpose(2, 0, 1))
    keras_rsseg.predict_scene(
        model,
        tmp_path / "scene.tif",
        tmp_path / "map.tif",
        tile_size=32,
        progress=False,
    )


class TestRefusals:
    def test_a_band_that_does_not_vary(self, scenes):
        scenes[0][..., 2] = 7
        with pytest.raises(ArgumentError, match="one value in band 3"):
            fit_normalisation(scenes[0])

    def test_names(self, scenes):
        for names in (BANDS[:3], "rgbn", ("a", "a", "b", "c")):
            with pytest.raises(ArgumentError, match="each of the 4 bands"):
                fit_normalisation(scenes, names=names)

    def test_a_dataset_without_end(self, scenes):
        tiles = tile_dataset([scenes[0]], tile_size=16, repeat=True)
        with pytest.raises(ArgumentError, match="must end"):
            fit_normalisation(tiles)

    def test_no_pixel_with_data(self):
        with pytest.raises(ArgumentError, match="no pixel with data"):
            fit_normalisation(np.full((8, 8, 3), np.nan, "float32"))

    def test_another_number_of_bands_than_the_tiles(self, scenes, tmp_path):
        make_model().save_to_preset(tmp_path / "rgb")
        with pytest.raises(ArgumentError, match=r"for 4 bands.*have 3"):
            keras_rsseg.from_preset(
                tmp_path / "rgb", normalisation=fit_normalisation(scenes)
            )
