"""Paths are checked before anything is computed."""

import os

import numpy as np
import pytest
import rasterio

from keras_rsseg.scenes.maps.map_products import check_destinations
from keras_rsseg.scenes.maps.map_products import check_paths
from tests.scenes.scene_files import write_scene


@pytest.fixture
def scene(tmp_path):
    pixels = np.zeros((1, 4, 5), "uint8")
    with rasterio.open(write_scene(tmp_path / "scene.tif", pixels)) as dataset:
        yield dataset


def check(scene, overwrite=False, **destinations):
    return check_destinations(destinations, scene, overwrite)


class TestCheckDestinations:
    def test_paths_come_back(self, scene, tmp_path):
        paths = check(
            scene,
            destination=str(tmp_path / "a.tif"),
            probabilities=None,
            uncertainty=tmp_path / "b.TIFF",
        )
        assert paths == {
            "destination": tmp_path / "a.tif",
            "uncertainty": tmp_path / "b.TIFF",
        }

    def test_errors_name_the_argument(self, scene, tmp_path):
        (tmp_path / "old.tif").write_bytes(b"old")
        for name, error, match in [
            ("b.png", ValueError, "`probabilities` must end in .tif"),
            ("old.tif", FileExistsError, "`probabilities` exists: .*overwr"),
            ("no/b.tif", FileNotFoundError, "`probabilities`: there is no"),
            ("scene.tif", ValueError, "`probabilities` is .* the scene"),
        ]:
            with pytest.raises(error, match=match):
                check(
                    scene,
                    destination=tmp_path / "a.tif",
                    probabilities=tmp_path / name,
                )

    @pytest.mark.parametrize("exists", [False, True])
    def test_two_products_on_one_path(self, scene, tmp_path, exists):
        (tmp_path / "folder").mkdir()
        if exists:
            (tmp_path / "a.tif").write_bytes(b"old")
        for other in ("a.tif", "folder/../a.tif"):
            with pytest.raises(
                ValueError, match="must be different files"
            ) as caught:
                check(
                    scene,
                    overwrite=True,
                    destination=tmp_path / "a.tif",
                    uncertainty=tmp_path / other,
                )
            assert "`destination` and `uncertainty`" in str(caught.value)

    def test_links_to_one_file(self, scene, tmp_path):
        (tmp_path / "a.tif").write_bytes(b"old")
        os.link(tmp_path / "a.tif", tmp_path / "b.tif")
        os.link(tmp_path / "scene.tif", tmp_path / "c.tif")
        paths = {
            "destination": tmp_path / "a.tif",
            "probabilities": tmp_path / "b.tif",
        }
        with pytest.raises(ValueError, match="must be different files"):
            check(scene, overwrite=True, **paths)
        with pytest.raises(ValueError, match="the scene itself"):
            check(scene, overwrite=True, destination=tmp_path / "c.tif")

    def test_a_scene_made_of_several_files(self, scene, tmp_path):
        """A part of it must not be replaced while it is read."""
        vrt = tmp_path / "scene.vrt"
        rasterio.shutil.copy(scene, vrt, driver="VRT")
        with pytest.raises(ValueError, match="a part of"):
            check_paths(vrt, tmp_path / "scene.tif", overwrite=True)
        check_paths(vrt, tmp_path / "map.tif")
