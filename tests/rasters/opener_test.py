"""One opener: strict everywhere, and its errors name argument and file."""

import ast
import os
import pathlib
import pickle
import struct
import threading
import time
import warnings

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.errors import RasterioIOError
from rasterio.vrt import WarpedVRT

import keras_rsseg
from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.bands import choose_bands
from keras_rsseg.rasters.opener import RasterReadError
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.opener import listed
from keras_rsseg.rasters.opener import name_of
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.opener import without_place_warnings
from keras_rsseg.rasters.sources import is_virtual
from tests.rasters.raster_files import GRID
from tests.rasters.raster_files import cut
from tests.rasters.raster_files import noise
from tests.rasters.raster_files import write_kind
from tests.threads import in_threads

PACKAGE = pathlib.Path(keras_rsseg.__file__).parent


def write_tiff(path, count=3, **profile):
    shape = {"count": count, "height": 20, "width": 30, "dtype": "uint8"}
    profile = {"driver": "GTiff", **shape, **GRID, **profile}
    with rasterio.open(path, "w", **profile) as file:
        file.write(noise(count, 20, 30))
    return path


def cut_png(tmp_path):
    path = write_kind("PNG", tmp_path)
    cut(path, 0.6)
    return path


class TestOpening:
    def test_a_raster_is_a_rasterio_dataset(self, tmp_path):
        path = write_tiff(tmp_path / "scene.tif")
        with open_raster(path) as dataset:
            assert isinstance(dataset, rasterio.DatasetReader)
            np.testing.assert_array_equal(dataset.read(), noise(3, 20, 30))
            assert dataset.crs == "EPSG:32632"
        assert dataset.closed

    def test_a_raster_without_a_place_gives_no_warning(self, tmp_path):
        """Warnings are errors here; filters are as they were."""
        before = warnings.filters[:]
        with open_raster(write_kind("PNG", tmp_path)) as dataset:
            assert dataset.read().any()
        assert warnings.filters == before

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="`masks`.*nothing.tif"):
            with open_raster(tmp_path / "nothing.tif", "masks"):
                pass

    def test_what_is_no_raster(self, tmp_path):
        path = tmp_path / "notes.tif"
        path.write_text("not a raster")
        with pytest.raises(RasterError, match="`masks`.*notes.tif cannot be"):
            with open_raster(path, "masks"):
                pass

    def test_subdatasets_may_be_given(self, tmp_path):
        path = tmp_path / "pages.tif"
        write_tiff(path)
        write_tiff(path, append_subdataset=True)
        with open_raster(path) as dataset:
            page = dataset.subdatasets[1]
        with open_raster(page) as dataset:
            assert dataset.shape == (20, 30)

    def test_a_raster_without_bands(self, tmp_path):
        path = tmp_path / "bands.nc"
        tiff = write_tiff(tmp_path / "scene.tif")
        try:
            rasterio.shutil.copy(tiff, path, driver="netCDF")
        except rasterio.errors.RasterioError:
            pytest.skip("GDAL here writes no netCDF")
        with pytest.raises(RasterError, match="no bands of its own.*Band2"):
            with open_raster(path):
                pass

    def test_the_xml_of_a_vrt_is_a_raster(self, tmp_path):
        path = write_tiff(tmp_path / "scene.tif")
        xml = (
            '<VRTDataset rasterXSize="30" rasterYSize="20">'
            '<VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
            f"<SourceFilename>{path}</SourceFilename>"
            "</SimpleSource></VRTRasterBand></VRTDataset>"
        )
        with open_raster(xml) as dataset:
            np.testing.assert_array_equal(dataset.read(1), noise(3, 20, 30)[0])

    def test_a_source_of_a_vrt_that_is_missing(self, tmp_path):
        path = write_tiff(tmp_path / "scene.tif")
        virtual = tmp_path / "scene.vrt"
        rasterio.shutil.copy(path, virtual, driver="VRT")
        path.unlink()
        with open_raster(virtual) as dataset:
            with pytest.raises(RasterError, match="scene.vrt.*scene.tif"):
                dataset.read()


class TestErrors:
    def test_they_are_what_rasterio_raises_too(self, tmp_path):
        path = cut_png(tmp_path)
        with open_raster(path, "images") as dataset:
            with pytest.raises(RasterReadError) as caught:
                dataset.read(window=((40, 90), (0, 110)))
        error = caught.value
        assert str(error).startswith(f"`images`: {path} cannot be read at rows")
        assert "rows 40 to 90" in str(error)
        for kind in (RasterError, ValueError, RasterioIOError, OSError):
            assert isinstance(error, kind)
        # Workers send them back.
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is RasterReadError and str(again) == str(error)

    def test_of_two_open_files_the_damaged_one_is_named(self, tmp_path):
        path, whole = cut_png(tmp_path), write_tiff(tmp_path / "map.tif")
        with pytest.raises(RasterError, match="`scene`.*raster.png"):
            with open_raster(path, "scene") as dataset:
                with open_raster(whole, "classes"):
                    dataset.read()

    def test_keys_that_gdal_does_not_know(self, tmp_path):
        """GDAL's own exception, from a property."""
        points = [
            GroundControlPoint(row, col, 5e5 + col, 5e6 - row)
            for row, col in ((0, 0), (0, 30), (20, 0), (20, 30))
        ]
        path = write_tiff(tmp_path / "scene.tif", transform=None, gcps=points)
        data = path.read_bytes()
        key = struct.pack("<4H", 1025, 0, 1, 1)
        assert data.count(key) == 1
        path.write_bytes(data.replace(key, struct.pack("<4H", 1025, 3, 1, 1)))
        with pytest.raises(RasterError, match="`scene`.*scene.tif.*1025"):
            with open_raster(path, "scene") as dataset:
                dataset.colorinterp  # noqa: B018

    def test_texts_that_are_no_text(self, tmp_path):
        path = write_tiff(tmp_path / "scene.tif")
        with rasterio.open(path, "r+") as file:
            file.descriptions = ["first", "second", "third"]
        data = path.read_bytes()
        path.write_bytes(data.replace(b"second", b"se\xffond"))
        with open_raster(path) as dataset:
            with pytest.raises(RasterError, match="scene.tif"):
                dataset.descriptions  # noqa: B018


class TestStrictness:
    """A truncated PNG is refused, whoever reads it."""

    def test_in_another_thread(self, tmp_path):
        errors = []

        def read(dataset):
            try:
                dataset.read()
            except RasterError as error:
                errors.append(error)

        with open_raster(cut_png(tmp_path)) as dataset:
            thread = threading.Thread(target=read, args=(dataset,))
            thread.start()
            thread.join()
        assert len(errors) == 1

    def test_within_settings_of_the_user(self, tmp_path):
        path = cut_png(tmp_path)
        lax = {"GDAL_PNG_WHOLE_IMAGE_OPTIM": True}
        with rasterio.Env(**lax), pytest.raises(RasterError):
            with open_raster(path) as dataset:
                dataset.read()
        with open_raster(path) as dataset:
            with rasterio.Env(**lax), pytest.raises(RasterError):
                dataset.read()

    def test_settings_of_the_user_are_left_alone(self, tmp_path):
        with rasterio.Env(
            GDAL_CACHEMAX=1 << 26, GDAL_PNG_WHOLE_IMAGE_OPTIM=True
        ):
            before = rasterio.env.getenv()
            with open_raster(write_kind("PNG", tmp_path)) as dataset:
                dataset.read()
            assert rasterio.env.getenv() == before

    def test_when_files_are_closed_in_another_order(self, tmp_path):
        path = cut_png(tmp_path)
        contexts = [open_raster(path) for _ in range(3)]
        datasets = [context.__enter__() for context in contexts]
        for dataset, context in zip(datasets, contexts, strict=True):
            with pytest.raises(RasterError):
                dataset.read()
            context.__exit__(None, None, None)
        assert not rasterio.env.hasenv()

    def test_when_gdal_reads_by_itself(self, tmp_path):
        with open_raster(cut_png(tmp_path)) as dataset:
            with WarpedVRT(dataset, src_crs="EPSG:32632") as warped:
                with pytest.raises(RasterioIOError):
                    warped.read()

    def test_whatever_the_environment_says(self, tmp_path, monkeypatch):
        """GDAL alone would return zeros for damaged blocks."""
        monkeypatch.setitem(os.environ, "GTIFF_IGNORE_READ_ERRORS", "YES")
        path = write_kind("deflated TIFF", tmp_path)
        cut(path, 0.6)
        with open_raster(path) as dataset, pytest.raises(RasterError):
            dataset.read()


def test_the_filters_of_warnings_are_changed_by_one_thread_at_a_time():
    """Otherwise one would restore what another has changed, permanently."""
    before, entered = warnings.filters[:], []

    def enter():
        for _ in range(50):
            with without_place_warnings():
                entered.append(len(warnings.filters))

    in_threads(enter, 4)
    assert len(entered) == 200 and warnings.filters == before


def test_what_names_a_file():
    assert is_path("a.tif") and is_path(pathlib.Path("a.tif"))
    assert not is_path(np.zeros(3)) and not is_path(None)
    assert name_of(pathlib.Path("b/a.tif")) == os.path.join("b", "a.tif")
    assert name_of(np.zeros(3), "images[2]") == "images[2]"
    for path in ("s3://a/b.tif", "/vsimem/a.tif", "<VRTDataset/>"):
        assert is_virtual(path)
    assert not is_virtual("C:/a.tif") and not is_virtual("vsimem/a.tif")
    assert listed(["a", "b"]) == "a, b" and listed([]) == ""
    assert listed(list("x" * 23)).endswith("x and 3 more")


def uses(tree):
    """Names that code uses from rasterio, such as `rasterio.open`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}", node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


OPENERS = {
    "rasterio.open",
    "rasterio.Env",
    "rasterio.MemoryFile",
    "rasterio.shutil",
    "rasterio.env.Env",
    "rasterio.io.DatasetWriter",
    "rasterio.errors.NotGeoreferencedWarning",
    "warnings.catch_warnings",
}
# Other allowed uses: print a model's warnings; silence pyogrio's, those that
# `check` has already given, and those of a run after its check; silence torch's
# about tracing.
OTHER_WARNINGS = (
    "cli/",
    "ops/traced_program.py",
    "scenes/many/job_checks.py",
    "scenes/maps/polygon_files.py",
    "training/labelled_parts.py",
)


def test_rasters_are_opened_in_one_room():
    """Opened elsewhere, a truncated file would be read as if whole."""
    paths = sorted(PACKAGE.rglob("*.py"))
    assert len(paths) > 100
    found = []
    for path in paths:
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith("rasters/"):
            continue
        for use, line in uses(ast.parse(path.read_text("utf-8"))):
            other = name.startswith(OTHER_WARNINGS) and "warnings" in use
            if use in OPENERS and not other:
                found.append(f"{name}:{line}: {use}")
    assert not found


def test_thousands_of_bands_are_no_quadratic_loop(tmp_path):
    """65,535 are as many as a TIFF can have, damaged ones often."""
    count = 30_000
    path = tmp_path / "scene.img"
    pixels = np.arange(count * 4, dtype="uint32").reshape(count, 2, 2)
    # Rasterio's own writer would take a minute.
    path.write_bytes(pixels.tobytes())
    path.with_suffix(".hdr").write_text(
        f"ENVI\nsamples = 2\nlines = 2\nbands = {count}\ndata type = 13\n"
        "interleave = bsq\nbyte order = 0\n"
    )
    start = time.process_time()
    with open_raster(path) as dataset:
        found = dataset.read(list(range(1, count + 1)))
        assert choose_bands(dataset)[-1] == count
    assert time.process_time() - start < 20
    np.testing.assert_array_equal(found, pixels)
