"""Maps of neighbours as one raster, which can be moved with them."""

import shutil

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

import keras_rsseg
from keras_rsseg.errors import ArgumentError
from keras_rsseg.rasters.output_files import is_own
from keras_rsseg.scenes.maps.mosaic import check_mosaic
from keras_rsseg.scenes.maps.mosaic import write_mosaic
from keras_rsseg.scenes.predict_scene import predict_scene
from tests.cli.commands import check_error
from tests.cli.commands import run
from tests.cli.predict_models import Model
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

HEIGHT, WIDTH = 30, 40


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maps").mkdir()
    return tmp_path


def place(row, col, size=0.5):
    return Affine(size, 0, 500_000 + col * 0.5, 0, -size, 5e6 - row * 0.5)


def write_map(name, row, col, seed=0, **profile):
    """The map of a scene that begins at a row and column, and its classes."""
    pixels = random_scene(HEIGHT, WIDTH, seed)
    pixels[:, :5, :5] = 0
    profile = {"transform": place(row, col), "nodata": 0, **profile}
    scene = write_scene(f"{name}_scene.tif", pixels, **profile)
    path = f"maps/{name}.tif"
    predict_scene(threshold_model, scene, path, tile_size=64, progress=False)
    classes = threshold_classes(pixels)
    classes[:5, :5] = 255
    return path, classes


def test_neighbours_and_overlaps(here):
    one, first = write_map("a", 0, 0)
    # North-west of it, over its first five rows and columns, which are void.
    two, second = write_map("b", 5 - HEIGHT, 5 - WIDTH, 1)
    three, third = write_map("c", 100, 3, 2)
    for maps in ([one, two, three], [two, one, three]):
        path = write_mosaic(maps, "maps/all.vrt", overwrite=True)
        wanted = np.full((100 + 2 * HEIGHT - 5, 2 * WIDTH - 2), 255)
        wanted[HEIGHT - 5 :, WIDTH - 5 :][:HEIGHT, :WIDTH] = first
        wanted[:HEIGHT, :WIDTH] = second
        wanted[HEIGHT + 95 :, WIDTH - 2 :][:, :WIDTH] = third
        with rasterio.open(path) as dataset:
            np.testing.assert_array_equal(dataset.read(1), wanted)
            assert dataset.transform == place(5 - HEIGHT, 5 - WIDTH)
            assert dataset.crs == "EPSG:32632"
            assert dataset.nodata == 255
            assert dataset.tags(1)["class_1"] == "class_1"
            with rasterio.open(one) as single:
                assert dataset.colormap(1) == single.colormap(1)
    assert is_own(path)
    # All can be moved together.
    shutil.move("maps", "elsewhere")
    with rasterio.open("elsewhere/all.vrt") as dataset:
        np.testing.assert_array_equal(dataset.read(1), wanted)


def test_what_does_not_fit(here):
    one, _ = write_map("a", 0, 0)
    for name, profile, match in [
        ("b", {"crs": "EPSG:32633"}, "one reference system.*32632.*32633"),
        ("c", {"transform": place(0, 0, 0.6)}, "same pixel size.*gdalbuildvrt"),
        ("d", {"transform": Affine(0.5, 0.1, 0, 0.1, -0.5, 0)}, "north up"),
    ]:
        other, _ = write_map(name, 0, 0, **profile)
        with pytest.raises(
            ArgumentError if name != "d" else ValueError, match=match
        ):
            write_mosaic([one, other], "all.vrt")
        with pytest.raises(ValueError, match=match):
            check_mosaic("all.vrt", scenes=["a_scene.tif", f"{name}_scene.tif"])
    check_mosaic("all.vrt", scenes=["a_scene.tif", "gone.tif"])
    (here / "all.vrt").touch()
    with pytest.raises(FileExistsError):
        write_mosaic([one], "all.vrt")
    with pytest.raises(ArgumentError, match="end in .vrt"):
        write_mosaic([one], "all.tif")
    with pytest.raises(ArgumentError, match="no maps to join"):
        write_mosaic([], "all.vrt", overwrite=True)


def test_command(here, monkeypatch):
    monkeypatch.setattr(
        keras_rsseg, "from_preset", lambda name: Model(), raising=False
    )
    (here / "in").mkdir()
    for seed, name in enumerate("ab"):
        write_scene(
            here / f"in/{name}.tif",
            random_scene(HEIGHT, WIDTH, seed),
            transform=place(0, seed * WIDTH),
        )
    (here / "in/c.tif").write_text("not a raster")
    arguments = ["predict", "in", "--output", "maps", "--mosaic", "all.vrt"]
    result = run(*arguments)
    assert result.exit_code == 3, result.output
    assert result.stdout.endswith("Wrote all.vrt\n")
    with rasterio.open("all.vrt") as dataset:
        assert dataset.shape == (HEIGHT, 2 * WIDTH)
        assert dataset.tags(1)["class_3"] == "water"
    check_error(run(*arguments, "--report", "r.csv"), "all.vrt exists")
    result = run(*arguments, "--resume")
    assert "2 finished before" in result.stdout
    result = run(
        *("predict", "in/a.tif", "--output", "a.tif", "--mosaic", "b.vrt")
    )
    assert result.exit_code == 2
