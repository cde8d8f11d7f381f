"""Maps of an area: its extent, and the same content as the whole map."""

import csv
import time
import tracemalloc

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.transform import Affine

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import SceneError
from keras_rsseg.rasters.windows import Window
from keras_rsseg.scenes import SceneJob
from keras_rsseg.scenes import predict_scene
from keras_rsseg.scenes import predict_scenes
from keras_rsseg.scenes import write_polygons
from keras_rsseg.scenes import write_preview
from keras_rsseg.scenes.reading.area_of_interest import AreaOfInterest
from tests.scenes.scene_files import TRANSFORM
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

# It neither begins nor ends where tiles do.
PLACE = Window(37, 21, 50, 64)
OPTIONS = {"tile_size": 32, "strip_height": 24, "progress": False}


def corners(window, matrix=TRANSFORM):
    row, col, height, width = window
    ring = [(col, row), (col + width, row), (col + width, row + height)]
    ring.append((col, row + height))
    a, b, c, d, e, f, *_ = matrix
    return [[a * x + b * y + c, d * x + e * y + f] for x, y in ring]


def area_of(window, matrix=TRANSFORM, crs="EPSG:32632"):
    ring = corners(window, matrix)
    return AreaOfInterest({"type": "Polygon", "coordinates": [ring]}, crs)


def smooth_model(tiles):
    """Depends on surroundings, so shifted tiles have other results."""
    tiles = np.asarray(tiles, "float32")
    mean = tiles.mean(axis=(1, 2), keepdims=True)
    return (tiles - mean) / 32


def predict(scene, path, **options):
    model = options.pop("model", smooth_model)
    options = {**OPTIONS, **options}
    result = predict_scene(model, scene, path, **options)
    return result, read_map(path)


class TestSameAsTheWhole:
    """A user who maps an area later expects the same map."""

    @pytest.mark.parametrize("distance", [None, 1.1, 0.31])
    def test_every_raster(self, tmp_path, distance):
        scene = write_scene(tmp_path / "scene.tif", random_scene(130, 110))
        rasters = {}
        for crop in (True, False):
            folder = tmp_path / str(crop)
            folder.mkdir()
            paths = {
                "probabilities": folder / "p.tif",
                "uncertainty": folder / "u.tif",
            }
            predict(
                scene,
                folder / "map.tif",
                area=area_of(PLACE),
                crop=crop,
                ground_sample_distance=distance,
                **paths,
            )
            rasters[crop] = [folder / "map.tif", *paths.values()]
        for cropped, whole in zip(*rasters.values(), strict=True):
            with rasterio.open(cropped) as part, rasterio.open(whole) as all_:
                assert part.shape == (50, 64)
                assert part.transform == PLACE.place(TRANSFORM)
                assert part.crs == all_.crs
                np.testing.assert_array_equal(
                    part.read(), all_.read(window=PLACE.to_rasterio())
                )

    def test_sections_and_strips_make_no_difference(
        self, tmp_path, monkeypatch
    ):
        scene = write_scene(tmp_path / "scene.tif", random_scene(130, 330))
        place = Window(37, 21, 50, 300)
        _, (once, _) = predict(
            scene, tmp_path / "a.tif", area=area_of(place), strip_height=99
        )
        module = "keras_rsseg.scenes.predicting.scene_plan"
        monkeypatch.setattr(f"{module}._SUMS", 1)
        monkeypatch.setattr(f"{module}._LEAST_TILES", 2)
        _, (cut, _) = predict(
            scene, tmp_path / "b.tif", area=area_of(place), strip_height=7
        )
        np.testing.assert_array_equal(cut, once)

    def test_a_mask_is_made_of_the_part(self, tmp_path):
        pixels = random_scene(130, 110).astype("float32")
        pixels[:, 40:60, 30:50] = np.nan
        scene = write_scene(tmp_path / "scene.tif", pixels)
        maps = [
            predict(
                scene,
                tmp_path / f"{crop}.tif",
                area=area_of(PLACE),
                crop=crop,
                ground_sample_distance=1.1,
                value_range=(0, 255),
            )[1][0]
            for crop in (True, False)
        ]
        np.testing.assert_array_equal(maps[0], maps[1][PLACE.slices])
        assert (maps[0] == 255).sum() == 400

    def test_an_area_across_the_border(self, tmp_path):
        pixels = random_scene(60, 50)
        scene = write_scene(tmp_path / "scene.tif", pixels)
        _, (ids, profile) = predict(
            scene,
            tmp_path / "map.tif",
            model=threshold_model,
            area=area_of(Window(-20, 40, 30, 99)),
        )
        np.testing.assert_array_equal(ids, threshold_classes(pixels)[:10, 40:])
        assert profile["transform"] == Window(0, 40, 1, 1).place(TRANSFORM)

    def test_pixels_that_an_area_cuts_belong_to_it(self, tmp_path):
        scene = write_scene(tmp_path / "scene.tif", random_scene(60, 50))
        cut = area_of((10.4, 20.7, 5.2, 6.1))
        _, (ids, profile) = predict(scene, tmp_path / "map.tif", area=cut)
        assert ids.shape == (6, 7)
        assert profile["transform"] == Window(10, 20, 1, 1).place(TRANSFORM)
        inside = np.full((6, 7), False)
        inside[:, 1:] = True
        np.testing.assert_array_equal(ids != 255, inside)

    def test_without_an_area_the_whole_is_mapped(self, tmp_path):
        scene = write_scene(tmp_path / "scene.tif", random_scene(60, 50))
        _, (ids, profile) = predict(scene, tmp_path / "map.tif", crop=True)
        assert ids.shape == (60, 50)
        assert profile["transform"] == TRANSFORM
        with rasterio.open(tmp_path / "map.tif") as dataset:
            assert "window" not in dataset.tags()


class TestPlaces:
    """The part must be in its place, however the scene is georeferenced."""

    def test_a_turned_scene(self, tmp_path):
        matrix = Affine(0.4, 0.3, 5e5, 0.3, -0.4, 5e6)
        pixels = random_scene(90, 80)
        scene = write_scene(tmp_path / "scene.tif", pixels, transform=matrix)
        predict(
            scene,
            tmp_path / "map.tif",
            model=threshold_model,
            area=area_of(PLACE._replace(width=40), matrix),
        )
        place = PLACE._replace(width=40)
        with rasterio.open(tmp_path / "map.tif") as dataset:
            assert dataset.transform.almost_equals(place.place(matrix))
            np.testing.assert_array_equal(
                dataset.read(1), threshold_classes(pixels)[place.slices]
            )

    def test_no_place_at_all(self, tmp_path):
        pixels = random_scene(130, 110)
        scene = write_scene(
            tmp_path / "scene.tif", pixels, crs=None, transform=None
        )
        result, (ids, _) = predict(
            scene,
            tmp_path / "map.tif",
            model=threshold_model,
            area=area_of(PLACE, Affine.identity(), None),
        )
        np.testing.assert_array_equal(
            ids, threshold_classes(pixels)[PLACE.slices]
        )
        path = write_preview(
            result.destination, tmp_path / "map.png", tmp_path / "scene.tif"
        )
        assert path.exists()

    def test_control_points_move(self, tmp_path):
        points = [
            GroundControlPoint(row, col, 500_000 + col / 2, 5_000_000 - row / 2)
            for row, col in ((0, 0), (0, 110), (130, 0), (130, 110))
        ]
        pixels = random_scene(130, 110)
        scene = write_scene(
            tmp_path / "scene.tif", pixels, transform=None, gcps=points
        )
        predict(
            scene,
            tmp_path / "map.tif",
            model=threshold_model,
            area=area_of(PLACE),
        )
        with rasterio.open(tmp_path / "map.tif") as dataset:
            np.testing.assert_array_equal(
                dataset.read(1), threshold_classes(pixels)[PLACE.slices]
            )
            found = [(point.row, point.col) for point in dataset.gcps[0]]
        row, col = PLACE[:2]
        assert found == [(p.row - row, p.col - col) for p in points]


class TestWhatIsMadeOfIt:
    """Files beside a map must show the same part."""

    @pytest.fixture
    def made(self, tmp_path):
        pixels = random_scene(130, 110)
        scene = write_scene(tmp_path / "scene.tif", pixels)
        options = {**OPTIONS, "area": area_of(PLACE)}
        job = SceneJob(str(scene), tmp_path / "map.tif")
        job = job.with_endings(polygons=".gpkg", preview=".png", style=True)
        report = predict_scenes(
            threshold_model, [job], tmp_path / "report.csv", **options
        )
        assert report.summary() == "1 scene: 1 done"
        return tmp_path, job, options, threshold_classes(pixels)

    def test_polygons(self, made):
        pyogrio = pytest.importorskip("pyogrio")
        folder = made[0]
        bounds = pyogrio.read_info(folder / "map.gpkg", layer="classes")
        ring = np.array(corners(PLACE))
        np.testing.assert_allclose(
            bounds["total_bounds"], [*ring.min(axis=0), *ring.max(axis=0)]
        )

    def test_preview_shows_the_part(self, made):
        folder, job, _, _ = made
        pytest.importorskip("matplotlib")
        assert job.preview.exists()
        from keras_rsseg.scenes.maps.map_figure import open_both
        from keras_rsseg.scenes.maps.map_figure import scene_picture

        with open_both(folder / "scene.tif", folder / "map.tif") as (
            image,
            _,
            window,
        ):
            picture = scene_picture(image, 999, window=window)
            pixels = image.read(window=PLACE.to_rasterio())
        np.testing.assert_array_equal(np.moveaxis(picture, -1, 0)[:3], pixels)

    def test_report_counts_the_part(self, made):
        folder, _, _, truth = made
        with open(folder / "report.csv", newline="") as file:
            (row,) = csv.DictReader(file)
        counts = np.bincount(truth[PLACE.slices].ravel())
        found = [int(row[f"class_{index} px"]) for index in range(4)]
        assert found == counts.tolist()
        assert float(row["valid_share"]) == 1

    def test_tags_tell_the_part(self, made):
        with rasterio.open(made[0] / "map.tif") as dataset:
            assert dataset.tags()["window"] == "37 21 50 64"

    def test_resume_knows_it(self, made):
        _, job, options, _ = made
        report = predict_scenes(threshold_model, [job], **options, resume=True)
        assert report.summary() == "1 scene: 1 finished before"
        report = predict_scenes(
            threshold_model, [job], **options, crop=False, resume=True
        )
        assert "exists" in report.outcomes[0].error

    def test_another_scene_is_refused(self, made):
        folder = made[0]
        other = write_scene(folder / "other.tif", random_scene(60, 60))
        with pytest.raises(ArgumentError, match="map of `scene`"):
            write_preview(folder / "map.tif", folder / "b.png", other)


def write_world(folder, size, pixels, matrix):
    """Write a base map of the world with imagery in one place."""
    scene = write_scene(
        folder / "here.tif", pixels, crs="EPSG:3857", transform=matrix
    )
    side = 20037508.342789244
    step = 2 * side / size
    row = round((side - matrix.f) / step)
    col = round((matrix.c + side) / step)
    bands = "".join(
        f"""<VRTRasterBand dataType="Byte" band="{band}"><SimpleSource>
        <SourceFilename relativeToVRT="1">{scene.name}</SourceFilename>
        <SourceBand>{band}</SourceBand>
        <SrcRect xOff="0" yOff="0" xSize="{pixels.shape[2]}"
          ySize="{pixels.shape[1]}"/>
        <DstRect xOff="{col}" yOff="{row}" xSize="{pixels.shape[2]}"
          ySize="{pixels.shape[1]}"/></SimpleSource></VRTRasterBand>"""
        for band in (1, 2, 3)
    )
    path = folder / "world.vrt"
    path.write_text(
        f'<VRTDataset rasterXSize="{size}" rasterYSize="{size}">'
        "<SRS>EPSG:3857</SRS><GeoTransform>"
        f"{-side!r}, {step!r}, 0, {side!r}, 0, {-step!r}</GeoTransform>"
        f"{bands}</VRTDataset>"
    )
    return path, row, col


@pytest.mark.parametrize("distance", [None, 0.8])
def test_a_garden_on_a_map_of_the_world(tmp_path, distance):
    size = 1 << 26
    step = 2 * 20037508.342789244 / size
    row, col = 22_000_000, 34_000_000
    matrix = Affine(
        step,
        0,
        -20037508.342789244 + col * step,
        0,
        -step,
        20037508.342789244 - row * step,
    )
    pixels = random_scene(300, 300)
    scene, row, col = write_world(tmp_path, size, pixels, matrix)
    place = Window(row + 100, col + 90, 84, 96)
    world = Affine(step, 0, -size / 2 * step, 0, -step, size / 2 * step)
    tracemalloc.start()
    start = time.perf_counter()
    _, (ids, profile) = predict(
        scene,
        tmp_path / "map.tif",
        model=threshold_model,
        area=area_of(place, world, "EPSG:3857"),
        ground_sample_distance=distance,
        tile_size=64,
    )
    seconds = time.perf_counter() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (ids.shape, profile["crs"]) == ((84, 96), "EPSG:3857")
    assert profile["transform"].almost_equals(place.place(world), 1e-6)
    if distance is None:
        inside = slice(100, 184), slice(90, 186)
        np.testing.assert_array_equal(ids, threshold_classes(pixels)[inside])
    assert (ids != 255).all()
    assert seconds < 20
    assert peak < 100 << 20
    write_preview(tmp_path / "map.tif", tmp_path / "map.png", scene)
    pytest.importorskip("pyogrio")
    write_polygons(tmp_path / "map.tif", tmp_path / "map.gpkg")


@pytest.mark.filterwarnings("ignore:A corner")
def test_a_map_of_the_world_is_refused_at_once(tmp_path):
    matrix = Affine(0.6, 0, 0, 0, -0.6, 0)
    pixels = random_scene(30, 30)
    scene, *_ = write_world(tmp_path, 1 << 26, pixels, matrix)
    with pytest.raises(SceneError, match="`area=`"):
        predict(scene, tmp_path / "map.tif", strip_height=1024)
