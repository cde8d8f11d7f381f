"""Values of a scene become those that a model was made for."""

import numpy as np
import pytest

from keras_rsseg.scenes.reading.scene_reader import SceneReader
from keras_rsseg.scenes.reading.scene_reader import open_scene
from tests.scenes.scene_files import write_scene


def ramp(dtype, low, high, size=(3, 100, 101)):
    """Every value equally often."""
    values = np.linspace(low, high, size[1] * size[2])
    pixels = np.random.default_rng(0).permutation(values).reshape(size[1:])
    return np.repeat(pixels[None], size[0], 0).astype(dtype)


def read(path, **options):
    with open_scene(path) as dataset:
        reader = SceneReader(dataset, **options)
        pixels, valid = reader.read(0, 0, reader.height, reader.width)
    return np.moveaxis(pixels, -1, 0), valid


class TestScaling:
    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
    @pytest.mark.parametrize("model", [(0, 255), (-1, 1), None])
    def test_linear_and_clipped(self, tmp_path, dtype, model):
        pixels = ramp(dtype, 0, 250)
        path = write_scene(tmp_path / "scene.tif", pixels)
        found, _ = read(path, value_range=(50, 150), model_range=model)
        low, high = model or (0, 255)
        expected = np.interp(pixels, [50, 150], [low, high])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
        assert (found.min(), found.max()) == (low, high)

    def test_missing_pixels_are_filled_in_the_models_range(self, tmp_path):
        pixels = ramp("uint16", 1000, 2000)
        pixels[:, :50] = 65535
        path = write_scene(tmp_path / "scene.tif", pixels, nodata=65535)
        options = {"value_range": (1000, 2000), "model_range": (0, 255)}
        found, valid = read(path, **options)
        assert not valid[:50].any() and valid[50:].all()
        mean = np.interp(pixels[:, 50:].mean(), [1000, 2000], [0, 255])
        np.testing.assert_allclose(found[:, :50], mean, atol=0.2)

    def test_resampled(self, tmp_path):
        pixels = ramp("uint16", 0, 4000, (1, 40, 60))
        path = write_scene(tmp_path / "scene.tif", pixels)
        with open_scene(path) as dataset:
            reader = SceneReader(
                dataset, value_range=(0, 4000), model_range=(0, 255)
            )
            with reader.resampled(10, 15) as grid:
                found, _ = grid.read(0, 0, 10, 15)
        means = pixels.reshape(10, 4, 15, 4).mean((1, 3)) / 4000 * 255
        np.testing.assert_allclose(found[..., 0], means, atol=0.05)


class TestWithoutARange:
    def test_bytes_for_a_model_of_bytes(self, tmp_path, caplog):
        pixels = ramp("uint8", 0, 255)
        path = write_scene(tmp_path / "scene.tif", pixels)
        for model in ((0, 255), None):
            found, _ = read(path, model_range=model)
            np.testing.assert_array_equal(found, pixels)
            assert found.dtype == np.uint8
        assert not caplog.records

    @pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
    def test_more_than_bytes_are_refused(self, tmp_path, dtype):
        """The error tells what to give, measured without the fill."""
        pixels = ramp(dtype, 1000, 3000)
        pixels[:, :60] = 30000
        path = write_scene(tmp_path / "scene.tif", pixels, nodata=30000)
        with pytest.raises(ValueError) as caught:
            read(path, model_range=(0, 255))
        message = str(caught.value)
        assert f"is {dtype}, the model takes values from 0 to 255" in message
        low, high = message.split("such as (")[1].split(")")[0].split(", ")
        shown = np.percentile(pixels[:, 60:], (1, 99))
        np.testing.assert_allclose([float(low), float(high)], shown, rtol=1e-3)
        found, _ = read(path, model_range=(0, 255), value_range=(0, 255))
        assert found.max() == 255

    def test_bytes_for_another_model_are_refused(self, tmp_path):
        path = write_scene(tmp_path / "scene.tif", ramp("uint8", 0, 255))
        with pytest.raises(ValueError, match="takes values from 0 to 1"):
            read(path, model_range=(0, 1))

    def test_a_model_of_its_own_range_gets_values_as_they_are(self, tmp_path):
        pixels = ramp("uint16", 0, 10_000)
        path = write_scene(tmp_path / "scene.tif", pixels)
        found, _ = read(path, model_range=(0, 10_000))
        np.testing.assert_array_equal(found, pixels)

    def test_a_model_that_states_none_gets_a_word(self, tmp_path, caplog):
        pixels = ramp("uint16", 0, 10_000)
        path = write_scene(tmp_path / "scene.tif", pixels)
        found, _ = read(path)
        np.testing.assert_array_equal(found, pixels)
        assert "value_range" in caplog.text

    def test_nothing_to_measure(self, tmp_path):
        pixels = np.zeros((3, 8, 8), "uint16")
        path = write_scene(tmp_path / "scene.tif", pixels, nodata=0)
        with pytest.raises(ValueError, match="become these; "):
            read(path, model_range=(0, 255))

    def test_large_scenes_are_sampled(self, tmp_path):
        """A terapixel of nothing: the hint may not read it all."""
        path = tmp_path / "scene.vrt"
        path.write_text(
            '<VRTDataset rasterXSize="1000000" rasterYSize="1000000">'
            '<VRTRasterBand dataType="UInt16" band="1"/></VRTDataset>'
        )
        with pytest.raises(ValueError, match="become these; "):
            read(path, model_range=(0, 255))


@pytest.mark.parametrize(
    "value", [(1, 1), (2, 1), (0,), (0, 1, 2), (0, float("nan")), "ab", 3]
)
@pytest.mark.parametrize("name", ["value_range", "model_range"])
def test_no_ranges(tmp_path, name, value):
    path = write_scene(tmp_path / "scene.tif", ramp("uint8", 0, 255))
    with pytest.raises(ValueError, match=f"`{name}` must be two numbers"):
        read(path, **{name: value})
