"""Scenes described by their users instead of the files."""

import os
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

from keras_rsseg.errors import ArgumentError
from keras_rsseg.scenes.predict_scene import predict_scene
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.scenes.reading.scene_file import open_scene
from keras_rsseg.scenes.reading.scene_file import tell_of_scene
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from tests.scenes.scene_files import TRANSFORM
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

NOWHERE = {"crs": None, "transform": None}


def write_nir(path, seed=0, **profile):
    """Red, green, blue, near infrared, which GDAL takes for alpha."""
    pixels = np.concatenate([random_scene(40, 60, seed)] * 2)[:4]
    pixels[3] = random_scene(40, 60, seed + 1)[0]
    pixels[3, 10:20] = 0
    write_scene(path, pixels, photometric="rgb", alpha="yes", **profile)
    return pixels


class TestAlpha:
    def test_is_data_if_the_user_says_so(self, tmp_path):
        pixels = write_nir(tmp_path / "scene.tif")
        with open_scene(tmp_path / "scene.tif", alpha="none") as dataset:
            assert ColorInterp.alpha not in dataset.colorinterp
            for bands in ([1, 2, 3], ["red", 4], [4], None):
                reader = SceneReader(dataset, bands)
                found, valid = reader.read(0, 0, 40, 60)
                numbers = [n - 1 for n in reader.bands]
                np.testing.assert_array_equal(
                    np.moveaxis(found, -1, 0), pixels[numbers]
                )
                assert valid.all()
                with reader.reopened() as again:
                    assert again.read_valid(0, 0, 40, 60).all()
            assert reader.bands == [1, 2, 3, 4]

    @pytest.mark.parametrize("nodata", [None, 7, "none"])
    def test_resampled(self, tmp_path, nodata):
        """The warper does not take it for a mask either."""
        pixels = np.full((4, 40, 60), 9, "uint8")
        pixels[3, :, :30] = 0
        path = write_scene(
            tmp_path / "scene.tif", pixels, photometric="rgb", alpha="yes"
        )
        with open_scene(path, alpha="none") as dataset:
            reader = SceneReader(dataset, [1, 4], nodata)
            with reader.resampled(20, 30) as grid:
                found, valid = grid.read(0, 0, 20, 30)
        assert valid.all()
        assert (found[..., 0] == 9).all()
        assert (found[:, :15, 1] == 0).all() and (found[:, 15:, 1] == 9).all()

    def test_other_signs_still_count(self, tmp_path):
        pixels = write_nir(tmp_path / "scene.tif", nodata=0)
        pixels[:, :4] = 0
        write_scene(
            tmp_path / "scene.tif",
            pixels,
            photometric="rgb",
            alpha="yes",
            nodata=0,
        )
        with open_scene(tmp_path / "scene.tif", alpha="none") as dataset:
            valid = SceneReader(dataset, [1, 2, 3]).read_valid(0, 0, 40, 60)
        assert not valid[:4].any() and valid[4:].all()

    def test_map(self, tmp_path):
        pixels = write_nir(tmp_path / "scene.tif")
        options = {"tile_size": 32, "bands": [1, 2, 3], "progress": False}
        with pytest.warns(UserWarning, match="Band 4 .*alpha.*--alpha none"):
            result = predict_scene(
                threshold_model,
                tmp_path / "scene.tif",
                tmp_path / "map.tif",
                **options,
            )
        assert result.valid_share == 0.75
        result = predict_scene(
            threshold_model,
            tmp_path / "scene.tif",
            tmp_path / "all.tif",
            alpha="none",
            **options,
        )
        classes, _ = read_map(tmp_path / "all.tif")
        np.testing.assert_array_equal(classes, threshold_classes(pixels))


class TestReferenceSystem:
    def test_where_the_file_states_none(self, tmp_path):
        path = write_scene(
            tmp_path / "scene.tif", random_scene(40, 60), crs=None
        )
        area = {
            "type": "Polygon",
            "coordinates": [[[9, 45], [9.0001, 45], [9.0001, 45.2], [9, 45.2]]],
        }
        predict_scene(
            threshold_model,
            path,
            tmp_path / "map.tif",
            crs="EPSG:32632",
            area=area,
            crop=False,
            tile_size=32,
            progress=False,
        )
        classes, profile = read_map(tmp_path / "map.tif")
        assert profile["crs"] == "EPSG:32632"
        assert 0 < (classes != 255).mean() < 0.4

    def test_one_that_is_stated_stays(self, tmp_path, caplog):
        path = write_scene(tmp_path / "scene.tif", random_scene(40, 60))
        with open_scene(path, crs="EPSG:25832") as dataset:
            tell_of_scene(dataset)
            assert dataset.crs == "EPSG:32632"
        assert "states the reference system EPSG:32632" in caplog.text
        caplog.clear()
        with open_scene(path, crs=32632) as dataset:
            tell_of_scene(dataset)
        assert not caplog.records

    @pytest.mark.parametrize("name", ["scene.jpg", "scene.png", "scene.tif"])
    def test_beside_a_world_file(self, tmp_path, caplog, name):
        """In an Esri .prj, which GDAL does not read."""
        path = write_scene(
            tmp_path / name,
            random_scene(40, 60),
            driver={"jpg": "JPEG", "png": "PNG", "tif": "GTiff"}[name[-3:]],
            photometric=None,
            **NOWHERE,
        )
        system = CRS.from_epsg(32632).to_wkt(version="WKT1_ESRI")
        (tmp_path / "scene.prj").write_text(system)
        with open_scene(path) as dataset:
            assert dataset.crs is None
        world = f"{name[:-2]}{name[-1]}w"
        (tmp_path / world).write_text("0.5\n0\n0\n-0.5\n500000.25\n4999999.75")
        with open_scene(path) as dataset:
            tell_of_scene(dataset)
            assert dataset.transform == TRANSFORM
            assert dataset.crs == "EPSG:32632"
            assert ground_pixel_size(dataset) is not None
        assert "scene.prj is used" in caplog.text
        with open_scene(path, crs="EPSG:25833") as dataset:
            assert dataset.crs == "EPSG:25833"
        (tmp_path / "scene.prj").write_text("nonsense")
        with open_scene(path) as dataset:
            assert dataset.crs is None

    def test_of_control_points(self, tmp_path):
        points = [
            GroundControlPoint(row, col, *(TRANSFORM @ (col, row)))
            for row, col in ((0, 0), (0, 60), (40, 0), (40, 60))
        ]
        path = write_scene(
            tmp_path / "scene.tif",
            random_scene(40, 60),
            **NOWHERE,
        )
        virtual = tmp_path / "scene.vrt"
        gcps = "".join(
            f'<GCP Id="{n}" Pixel="{p.col}" Line="{p.row}" X="{p.x}" '
            f'Y="{p.y}"/>'
            for n, p in enumerate(points)
        )
        virtual.write_text(
            '<VRTDataset rasterXSize="60" rasterYSize="40">'
            f"<GCPList>{gcps}</GCPList>"
            '<VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
            f"<SourceFilename>{path}</SourceFilename></SimpleSource>"
            "</VRTRasterBand></VRTDataset>"
        )
        with open_scene(virtual) as dataset:
            assert ground_pixel_size(dataset) is None
        with open_scene(virtual, crs="EPSG:32632") as dataset:
            size = ground_pixel_size(dataset)
        assert size == pytest.approx((0.5 / 0.9996,) * 2, rel=1e-4)

    def test_none_such(self, tmp_path):
        path = write_scene(tmp_path / "scene.tif", random_scene(40, 60))
        wrong = [{"crs": "nowhere"}, {"crs": "EPSG:x"}, {"crs": "EPSG:99999"}]
        for given in (*wrong, {"pixel_size": 0}, {"alpha": "nir"}):
            (name,) = given
            with pytest.raises(ArgumentError, match=f"`{name}` must be"):
                with open_scene(path, **given):
                    pass


class TestPixelSize:
    def test_where_nothing_tells(self, tmp_path):
        """Also of a map: its areas, and polygons in square metres."""
        path = write_scene(
            tmp_path / "scene.tif", random_scene(40, 60), **NOWHERE
        )
        result = predict_scene(
            threshold_model,
            path,
            tmp_path / "map.tif",
            pixel_size=0.2,
            ground_sample_distance=0.4,
            tile_size=32,
            progress=False,
        )
        assert sum(result.class_areas.values()) == pytest.approx(40 * 60 * 0.04)
        with open_scene(tmp_path / "map.tif") as dataset:
            assert ground_pixel_size(dataset) == (0.2, 0.2)
            assert dataset.tags()["pixel_size"] == "0.2"

    def test_a_known_one_stays(self, tmp_path, caplog):
        path = write_scene(tmp_path / "scene.tif", random_scene(40, 60))
        with open_scene(path, pixel_size=7) as dataset:
            assert ground_pixel_size(dataset)[0] == pytest.approx(0.5, rel=1e-3)
            tell_of_scene(dataset)
        assert "as the scene itself states" in caplog.text


def test_further_pages_are_told_of(tmp_path):
    path = tmp_path / "pages.tif"
    first, second = random_scene(40, 60), random_scene(40, 60, seed=1)
    write_scene(path, first)
    write_scene(path, second, append_subdataset="yes")
    with open_scene(path) as dataset:
        with pytest.warns(UserWarning, match="2 pages.*GTIFF_DIR:2"):
            tell_of_scene(dataset)
        page = dataset.subdatasets[1]
    with open_scene(page) as dataset:
        tell_of_scene(dataset)
        np.testing.assert_array_equal(dataset.read(), second)
    predict_scene(
        threshold_model,
        page,
        tmp_path / "map.tif",
        tile_size=32,
        progress=False,
    )
    classes, _ = read_map(tmp_path / "map.tif")
    np.testing.assert_array_equal(classes, threshold_classes(second))
    with rasterio.open(tmp_path / "map.tif") as dataset:
        assert dataset.tags()["scene"] == "GTIFF_DIR:2:pages.tif"


@pytest.mark.parametrize("name", ["PROJ_DATA", "PROJ_LIB"])
def test_projs_database_of_another_installation(tmp_path, name):
    """GDAL goes on without it, with another pixel size."""
    path = write_scene(tmp_path / "scene.tif", random_scene(8, 8))
    code = (
        "from keras_rsseg.scenes.reading.scene_file import open_scene\n"
        "from keras_rsseg.errors import RasterError\n"
        "try:\n"
        f"    with open_scene({str(path)!r}): print('opened')\n"
        "except RasterError as error: print(error)\n"
    )
    environment = {**os.environ, name: str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "opened" not in told
    assert f"unset {name}" in told and "proj.db" in told
