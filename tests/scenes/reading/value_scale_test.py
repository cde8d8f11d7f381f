"""Values of a scene are converted to those a model was made for."""

import numpy as np
import pytest
import rasterio

from keras_rsseg.scenes.predict_scene import predict_scene
from keras_rsseg.scenes.reading.area_of_interest import AreaOfInterest
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from keras_rsseg.scenes.reading.scene_reader import open_scene
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_model
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
        """The error suggests values, measured without the fill value."""
        pixels = ramp(dtype, 1000, 3000)
        pixels[:, :60] = 30000
        path = write_scene(tmp_path / "scene.tif", pixels, nodata=30000)
        with pytest.raises(ValueError) as caught:
            read(path, model_range=(0, 255))
        message = str(caught.value)
        assert (
            f"is {dtype}, but the model takes values from 0 to 255" in message
        )
        low, high = message.split("such as (")[1].split(")")[0].split(", ")
        shown = np.percentile(pixels[:, 60:], (1, 99))
        np.testing.assert_allclose([float(low), float(high)], shown, rtol=1e-3)
        found, _ = read(path, model_range=(0, 255), value_range=(0, 255))
        assert found.max() == 255

    @pytest.mark.parametrize("bits", [1, 2, 4])
    def test_less_than_bytes_are_refused(self, tmp_path, bits):
        """A mask of ones would be a black picture."""
        pixels = random_scene(40, 60) >> (8 - bits)
        path = write_scene(tmp_path / "scene.tif", pixels, nbits=bits)
        with open_scene(path) as dataset:
            with pytest.raises(ValueError, match=f"uint8 of {bits} bits"):
                SceneReader(dataset, model_range=(0, 255))
            top = 2**bits - 1
            reader = SceneReader(
                dataset, value_range=(0, top), model_range=(0, 255)
            )
            found, _ = reader.read(0, 0, 40, 60)
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
        with pytest.raises(ValueError, match=r"`value_range=\(low, high\)`; "):
            read(path, model_range=(0, 255))

    def test_large_scenes_are_sampled(self, tmp_path):
        """A terapixel of nothing: the hint must not read it all."""
        path = tmp_path / "scene.vrt"
        path.write_text(
            '<VRTDataset rasterXSize="1000000" rasterYSize="1000000">'
            '<VRTRasterBand dataType="UInt16" band="1"/></VRTDataset>'
        )
        with pytest.raises(ValueError, match=r"`value_range=\(low, high\)`; "):
            read(path, model_range=(0, 255))


@pytest.mark.parametrize(
    "value", [(1, 1), (2, 1), (0,), (0, 1, 2), (0, float("nan")), "ab", 3]
)
@pytest.mark.parametrize("name", ["value_range", "model_range"])
def test_no_ranges(tmp_path, name, value):
    path = write_scene(tmp_path / "scene.tif", ramp("uint8", 0, 255))
    with pytest.raises(ValueError, match=f"`{name}` must be two numbers"):
        read(path, **{name: value})


class TestUnits:
    """Files that state what their numbers mean."""

    def write(self, path, scales=(2.75e-5,) * 3, offsets=(-0.2,) * 3):
        pixels = ramp("int16", 7000, 27000)
        write_scene(path, pixels)
        with rasterio.open(path, "r+") as output:
            output.scales, output.offsets = scales, offsets
        factors, added = (
            np.reshape(part, (3, 1, 1)) for part in (scales, offsets)
        )
        return pixels, pixels * factors + added

    @pytest.mark.parametrize("size", [None, (50, 50)])
    @pytest.mark.parametrize(
        "scales, offsets",
        [
            ((2.75e-5,) * 3, (-0.2,) * 3),
            ((1e-5, 2e-5, -4e-5), (0, 0.1, 1.0)),
        ],
    )
    def test_a_range_is_in_them(self, tmp_path, scales, offsets, size):
        path = tmp_path / "scene.tif"
        _, values = self.write(path, scales, offsets)
        found, _ = read(path, value_range=(0, 0.4))
        expected = np.interp(values, [0, 0.4], [0, 255])
        np.testing.assert_allclose(found, expected, atol=0.02)

    def test_a_range_of_stored_values_is_told_of(self, tmp_path, caplog):
        pixels, _ = self.write(tmp_path / "scene.tif")
        found, _ = read(tmp_path / "scene.tif", value_range=(7000, 27000))
        expected = np.interp(pixels, [7000, 27000], [0, 255])
        np.testing.assert_allclose(found, expected, atol=0.02)
        assert "taken to mean stored values" in caplog.text

    def test_what_is_offered_is_in_them(self, tmp_path):
        _, values = self.write(tmp_path / "scene.tif")
        with pytest.raises(ValueError) as caught:
            read(tmp_path / "scene.tif", model_range=(0, 255))
        offered = str(caught.value).split("such as (")[1].split(")")[0]
        found = [float(number) for number in offered.split(", ")]
        np.testing.assert_allclose(found, np.percentile(values, (1, 99)), 1e-3)


def test_a_range_that_clips_most_is_told_of(tmp_path, caplog):
    path = write_scene(tmp_path / "scene.tif", ramp("uint16", 0, 10_000))
    read(path, value_range=(0, 6000))
    assert not caplog.records
    read(path, value_range=(0, 1000))
    assert "90 %" in caplog.text and "are clipped" in caplog.text


class TestPercentages:
    def test_of_what_is_valid(self, tmp_path):
        pixels = ramp("uint16", 1000, 3000)
        pixels[:, :40] = 60_000
        path = write_scene(tmp_path / "scene.tif", pixels, nodata=60_000)
        found, _ = read(path, value_range=("2%", "98%"))
        limits = np.percentile(pixels[:, 40:], (2, 98))
        expected = np.interp(pixels[:, 40:], limits, [0, 255])
        np.testing.assert_allclose(found[:, 40:], expected, atol=0.5)
        with open_scene(path) as dataset:
            reader = SceneReader(dataset, value_range=("2%", "98%"))
            again = SceneReader(dataset, value_range="2%, 98%".split(","))
        np.testing.assert_allclose(reader.value_range, limits, rtol=1e-5)
        assert again.value_range == reader.value_range

    def test_bands_share_them(self, tmp_path):
        """Otherwise colours would change."""
        pixels = ramp("uint16", 0, 1000) * np.uint16([[[1]], [[2]], [[3]]])
        path = write_scene(tmp_path / "scene.tif", pixels)
        found, _ = read(path, value_range=("0%", "100%"))
        np.testing.assert_allclose(found, pixels * (255 / 3000), atol=0.01)

    def test_without_the_border(self, tmp_path):
        pixels = ramp("uint16", 1000, 3000)
        pixels[:, :50] = 0
        path = write_scene(tmp_path / "scene.tif", pixels)
        with open_scene(path) as dataset:
            reader = SceneReader(
                dataset, nodata="border", value_range=("1%", "99%")
            )
        assert reader.value_range[0] > 1000

    def test_cost_is_bounded(self, tmp_path):
        """A base map of the world with an area: a terapixel of nothing."""
        path = write_scene(tmp_path / "here.tif", ramp("uint16", 0, 500))
        world = tmp_path / "world.vrt"
        bands = "".join(
            f'<VRTRasterBand dataType="UInt16" band="{n}"><NoDataValue>65535'
            "</NoDataValue><SimpleSource>"
            f"<SourceFilename>{path}</SourceFilename><SourceBand>{n}"
            '</SourceBand><SrcRect xOff="0" yOff="0" xSize="101" ySize="100"/>'
            '<DstRect xOff="700001" yOff="300001" xSize="101" ySize="100"/>'
            "</SimpleSource></VRTRasterBand>"
            for n in (1, 2, 3)
        )
        world.write_text(
            '<VRTDataset rasterXSize="1000000" rasterYSize="1000000">'
            f"{bands}</VRTDataset>"
        )
        ring = [[700001, 300001], [700102, 300001], [700102, 300101]]
        area = AreaOfInterest({"type": "Polygon", "coordinates": [ring]}, None)
        with open_scene(world) as dataset:
            shares = {"value_range": ("0%", "100%")}
            reader = SceneReader(dataset, area=area, **shares)
            assert reader.value_range == (0, 500)
            with pytest.raises(ValueError, match="no valid pixel"):
                SceneReader(dataset, **shares)

    def test_a_plain_scene(self, tmp_path):
        pixels = np.full((3, 40, 60), 7, "uint16")
        path = write_scene(tmp_path / "scene.tif", pixels)
        with pytest.raises(ValueError, match="only the value 7 between"):
            read(path, value_range=("2%", "98%"))

    def test_stated_in_the_map_and_stable(self, tmp_path):
        path = write_scene(tmp_path / "scene.tif", ramp("uint16", 0, 4000))
        options = {"tile_size": 64, "progress": False}
        options["value_range"] = ("2%", "98%")
        output = tmp_path / "map.tif"
        predict_scene(threshold_model, path, output, **options)
        made = output.read_bytes()
        with rasterio.open(output) as dataset:
            tags = dataset.tags()
        assert tags["value_percentiles"] == "2 98"
        low, high = map(float, tags["value_range"].split())
        assert (low, high) == pytest.approx((80, 3920), rel=0.01)
        # Finished by an equal run: nothing is done again.
        predict_scene(threshold_model, path, output, resume=True, **options)
        assert output.read_bytes() == made
        # The values in the tags make the same map.
        other = tmp_path / "other.tif"
        options["value_range"] = (low, high)
        predict_scene(threshold_model, path, other, **options)
        with rasterio.open(output) as one, rasterio.open(other) as two:
            np.testing.assert_array_equal(one.read(), two.read())
