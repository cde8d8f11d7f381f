"""A truncated file never becomes a map, a tile, a score or a picture."""

import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.data import read_image
from keras_rsseg.data import read_mask
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.errors import RasterError
from keras_rsseg.scenes import SceneReader
from keras_rsseg.scenes import open_scene
from keras_rsseg.scenes import write_polygons
from keras_rsseg.scenes import write_preview
from tests.rasters.raster_files import GRID
from tests.rasters.raster_files import as_vrt
from tests.rasters.raster_files import cut
from tests.rasters.raster_files import write_kind
from tests.scenes.predict_scene_test import predict
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

KINDS = [
    "PNG",
    "JPEG",
    "JPEG 2000",
    "WebP",
    "TIFF",
    "deflated TIFF",
    "JPEG in TIFF",
    "ENVI",
]
SHARES = [0.1, 0.5, 0.6, 0.95]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(params=SHARES)
def broken(request, kind, tmp_path):
    """A file and a VRT of it, which both have at most its upper part."""
    path = write_kind(kind, tmp_path)
    virtual = as_vrt(path) if kind != "ENVI" else None
    cut(path, request.param)
    return path, virtual


def refuse(call, name):
    with pytest.raises(RasterError, match=name):
        call()


@pytest.mark.parametrize("tile_size", [32, 256])
def test_as_a_scene(broken, tmp_path, tile_size):
    """Larger than a tile, and small enough to fit into one."""
    for path in filter(None, broken):
        before = sorted(tmp_path.iterdir())
        refuse(
            lambda path=path: predict(
                threshold_model,
                path,
                tmp_path / "map.tif",
                tile_size=tile_size,
            ),
            path.name,
        )
        assert sorted(tmp_path.iterdir()) == before


def test_as_a_scene_on_another_grid_in_another_thread(broken):
    for path in filter(None, broken):

        def read(path=path):
            with open_scene(path) as dataset:
                with SceneReader(dataset).resampled(45, 55) as grid:
                    with grid.reopened() as reader:
                        reader.read(0, 0, 45, 55)

        refuse(read, path.name)


def test_as_tiles(broken):
    mask = np.zeros((90, 110), "uint8")
    for path in filter(None, broken):
        refuse(lambda path=path: read_image(path), path.name)
        refuse(lambda path=path: ImageMaskPairs(path, mask), path.name)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("kind", ["grey PNG", "PNG", "PNG with alpha", "TIFF"])
def test_as_a_mask(tmp_path, kind, share):
    path = write_kind(kind, tmp_path)
    cut(path, share)
    colors = None if kind == "grey PNG" else [(0, 0, 0), (1, 1, 1)]
    refuse(lambda: read_mask(path, palette=colors), path.name)


@pytest.mark.parametrize("share", SHARES)
def test_as_labelled_scenes(tmp_path, share):
    """Image and mask of `evaluate`."""
    folder = tmp_path / "masks"
    folder.mkdir()
    image = write_kind("PNG", tmp_path)
    mask = write_kind("grey PNG", folder)

    def evaluate():
        keras_rsseg.evaluate(
            threshold_model,
            ([image], [mask]),
            keras_rsseg.data.TilingProtocol("tiny", 32, 20),
            class_names=[str(number) for number in range(255)],
            progress=False,
        )

    whole = image.read_bytes(), mask.read_bytes()
    cut(mask, share)
    refuse(evaluate, "`masks`.*raster.png")
    mask.write_bytes(whole[1])
    cut(image, share)
    refuse(evaluate, "`images`.*raster.png")


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_as_a_finished_map(tmp_path, share):
    """Polygons, pictures, and a run that could take it for finished."""
    scene = write_scene(tmp_path / "scene.tif", random_scene(200, 200))
    path = tmp_path / "map.tif"
    predict(threshold_model, scene, path, tile_size=256)
    cut(path, share)
    for call in (
        lambda: write_polygons(path, tmp_path / "map.gpkg"),
        lambda: write_preview(path, tmp_path / "map.png"),
        lambda: write_preview(path, tmp_path / "map.png", scene),
        lambda: keras_rsseg.visualize.plot_overlay(scene, path),
        lambda: predict(
            threshold_model, scene, path, tile_size=256, resume=True
        ),
    ):
        refuse(call, "map.tif")
    assert sorted(tmp_path.iterdir()) == [path, scene]


def test_as_a_scene_of_a_picture(broken, tmp_path):
    path, _ = broken
    classes = write_scene(
        tmp_path / "map.tif",
        np.zeros((1, 90, 110), "uint8"),
        **GRID,
    )
    refuse(
        lambda: keras_rsseg.visualize.plot_side_by_side(path, classes),
        f"`scene`.*{path.name}",
    )
