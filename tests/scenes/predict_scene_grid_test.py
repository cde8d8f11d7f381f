"""The map's grid, the scene's bands, and memory."""

import tracemalloc
import warnings

import numpy as np
import pytest
import rasterio
from rasterio.rpc import RPC
from rasterio.transform import Affine

from keras_rsseg.scenes.reading.area_of_interest import AreaOfInterest
from tests.scenes.predict_scene_test import VOID
from tests.scenes.predict_scene_test import predict
from tests.scenes.scene_files import TRANSFORM
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene


class TestGrid:
    def test_grid_is_the_scenes(self, tmp_path):
        turned = Affine(0.4, 0.3, 500_000, 0.3, -0.4, 5_000_000)
        for name, transform in {"north": TRANSFORM, "turned": turned}.items():
            scene = write_scene(
                tmp_path / f"{name}.tif",
                random_scene(40, 300),
                transform=transform,
            )
            output = tmp_path / f"{name}_map.tif"
            predict(threshold_model, scene, output)
            with rasterio.open(output) as dataset:
                assert dataset.crs == "EPSG:32632"
                assert dataset.transform.almost_equals(transform)
                assert dataset.shape == (40, 300)
                assert dataset.nodata == VOID
                assert dataset.dtypes == ("uint8",)
                assert dataset.profile["compress"] == "deflate"
                assert dataset.profile["tiled"]
                assert dataset.colorinterp[0].name == "palette"
                tags = dataset.tags()
            assert tags["scene"] == f"{name}.tif"
            assert tags["model"] == "threshold_model"
            assert tags["overlap"] == "8"
            assert tags["bands"] == "1 2 3"
            assert tags["test_time_augmentation"] == "none"
            assert tags["ground_sample_distance"] == "native"
            assert tags["TIFFTAG_SOFTWARE"].startswith("keras_rsseg")

    def test_png_without_a_reference_system(self, tmp_path):
        pixels = random_scene(40, 50)
        scene = write_scene(
            tmp_path / "scene.png",
            pixels,
            driver="PNG",
            crs=None,
            transform=None,
            photometric=None,
        )
        result, classes = predict(
            threshold_model,
            scene,
            tmp_path / "map.tif",
            ground_sample_distance=0.3,
        )
        np.testing.assert_array_equal(classes, threshold_classes(pixels))
        assert result.class_areas is None

    def test_rational_polynomials_are_kept(self, tmp_path):
        """So that the map can be orthorectified as its scene can."""
        one = [1.0] + [0.0] * 19
        rpcs = RPC(
            height_off=100,
            height_scale=100,
            lat_off=48.0,
            lat_scale=0.0003,
            line_den_coeff=one,
            line_num_coeff=[0.0, 0.125, -1.0] + [0.0] * 17,
            line_off=20,
            line_scale=20,
            long_off=11.0,
            long_scale=0.0005,
            samp_den_coeff=one,
            samp_num_coeff=[0.0, 1.0] + [0.0] * 18,
            samp_off=150,
            samp_scale=150,
            err_bias=1,
            err_rand=1,
        )
        scene = write_scene(
            tmp_path / "scene.tif",
            random_scene(40, 300),
            crs=None,
            transform=None,
            rpcs=rpcs,
        )
        paths = [tmp_path / "map.tif", tmp_path / "prob.tif"]
        predict(threshold_model, scene, paths[0], probabilities=paths[1])
        for path in paths:
            with rasterio.open(path) as dataset:
                assert dataset.rpcs == rpcs
                assert dataset.crs is None

    def test_a_file_for_each_band(self, tmp_path):
        """As one file of all bands, whatever else is requested."""
        pixels = random_scene(60, 300).astype("uint16")
        names = ("B04.tif", "B03.tif", "B02.tif")
        for name, band in zip(names, pixels, strict=True):
            write_scene(tmp_path / name, band[None], nodata=7)
        scene = write_scene(tmp_path / "scene.tif", pixels, nodata=7)
        files = f"{tmp_path}/{'+'.join(names)}"
        for name, more in {
            "plain": {},
            "coarse": {"ground_sample_distance": 1.0},
            "border": {"nodata": "border"},
        }.items():
            maps = []
            for source in (scene, files):
                maps.append(tmp_path / f"{name}_{len(maps)}.tif")
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", ".*no plain border")
                    predict(
                        threshold_model,
                        source,
                        maps[-1],
                        value_range=(0, 255),
                        **more,
                    )
            with rasterio.open(maps[0]) as one, rasterio.open(maps[1]) as other:
                np.testing.assert_array_equal(one.read(), other.read())
                assert other.crs == one.crs
                assert other.transform == one.transform
                assert other.tags()["scene"] == "+".join(names)

    def test_bands_by_number_and_name(self, tmp_path):
        pixels = random_scene(40, 50)
        scene = write_scene(tmp_path / "scene.tif", pixels)
        with rasterio.open(scene, "r+") as dataset:
            dataset.descriptions = ("NIR", "Red", "Green")
        swapped = pixels[[2, 0, 1]]
        for number, bands in enumerate(([3, 1, 2], ["green", "nir", "RED"])):
            _, classes = predict(
                threshold_model,
                scene,
                tmp_path / f"map_{number}.tif",
                bands=bands,
            )
            np.testing.assert_array_equal(classes, threshold_classes(swapped))

    def test_a_model_that_names_bands_gets_these(self, tmp_path):
        pixels = random_scene(40, 50)
        scene = write_scene(tmp_path / "scene.tif", pixels)
        with rasterio.open(scene, "r+") as dataset:
            dataset.descriptions = ("blue", "green", "red")
        threshold_model_named = type(
            "Named",
            (),
            {
                "bands": ("red", "green", "blue"),
                "predict_on_batch": staticmethod(threshold_model),
            },
        )()
        _, classes = predict(threshold_model_named, scene, tmp_path / "map.tif")
        np.testing.assert_array_equal(classes, threshold_classes(pixels[::-1]))

    def test_only_an_area_and_a_range_of_values(self, tmp_path):
        pixels = random_scene(90, 70)
        wide = pixels.astype("uint16") * 10 + 1000
        scene = write_scene(tmp_path / "scene.tif", wide)
        left, right = (TRANSFORM.c + TRANSFORM.a * col for col in (15, 55))
        top, bottom = (TRANSFORM.f + TRANSFORM.e * row for row in (20, 70))
        ring = [[left, top], [right, top], [right, bottom], [left, bottom]]
        area = AreaOfInterest(
            {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
            crs="EPSG:32632",
        )
        _, classes = predict(
            threshold_model,
            scene,
            tmp_path / "map.tif",
            area=area,
            crop=False,
            value_range=(1000, 3550),
        )
        truth = np.full((90, 70), VOID, "uint8")
        inside = slice(20, 70), slice(15, 55)
        truth[inside] = threshold_classes(pixels)[inside]
        # Rescaled values can fall just below a whole number.
        doubtful = (pixels[0] % 64) == 0
        np.testing.assert_array_equal(classes[~doubtful], truth[~doubtful])
        np.testing.assert_array_equal(classes == VOID, truth == VOID)


class TestMemory:
    # Nothing but black, quickly made.
    @pytest.mark.filterwarnings("ignore:A corner of")
    def test_height_costs_no_memory(self, tmp_path):
        peaks = {}
        for height in (2048, 16384):
            scene = tmp_path / f"{height}.tif"
            with rasterio.open(
                scene,
                "w",
                driver="GTiff",
                count=3,
                height=height,
                width=512,
                dtype="uint8",
                crs="EPSG:32632",
                transform=TRANSFORM,
                tiled=True,
                sparse_ok=True,
            ):
                pass
            tracemalloc.start()
            predict(
                threshold_model,
                scene,
                tmp_path / f"{height}_map.tif",
                tile_size=128,
            )
            peaks[height] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        # Sums of the whole would be 134 MB. A result is 1 MB, and three can
        # be on their way at once, or not.
        assert peaks[16384] < peaks[2048] + 4_000_000
