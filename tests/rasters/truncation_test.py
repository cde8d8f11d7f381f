"""A truncated file is an error, in whatever format, never pixels."""

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling

from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.opener import open_raster
from tests.rasters.raster_files import GRID
from tests.rasters.raster_files import KINDS
from tests.rasters.raster_files import as_vrt
from tests.rasters.raster_files import cut
from tests.rasters.raster_files import data_file
from tests.rasters.raster_files import noise
from tests.rasters.raster_files import write_kind

RAW = ("ENVI", "ENVI by pixels", "EHdr", "ERS", "ISCE", "PDS 4", "VICAR")
SHARES = [0.1, 0.3, 0.5, 0.6, 0.8, 0.95, 0.99, -8, -1]
WAYS = {
    "whole": lambda dataset: dataset.read(),
    "band": lambda dataset: dataset.read(1),
    "rows": lambda dataset: dataset.read(window=((40, 90), (0, 110))),
    "small": lambda dataset: dataset.read(
        out_shape=(dataset.count, 30, 40), resampling=Resampling.average
    ),
    "mask": lambda dataset: dataset.dataset_mask(),
}


def read_in_all_ways(path):
    """The result of each way of reading; a `RasterError` if it fails."""
    found = {}
    for name, read in WAYS.items():
        try:
            with open_raster(path) as dataset:
                found[name] = read(dataset)
        except RasterError as error:
            assert str(path) in str(error)
            found[name] = error
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_was_in_the_file(tmp_path, kind):
    """At each share of the file, alone and in a VRT."""
    path = write_kind(kind, tmp_path)
    paths = [path, as_vrt(path)]
    expected = [read_in_all_ways(path) for path in paths]
    file, failed = data_file(path), 0
    data = file.read_bytes()
    for share in SHARES:
        file.write_bytes(data)
        cut(file, share)
        # A VRT does not state how long a raw file should be.
        both = paths if kind not in RAW else paths[:1]
        for source, whole in zip(both, expected, strict=False):
            for way, found in read_in_all_ways(source).items():
                if isinstance(found, RasterError):
                    failed += 1
                    continue
                np.testing.assert_array_equal(
                    found, whole[way], f"{source.suffix}, {share}, {way}"
                )
    # At half of its length, no file holds all of its pixels.
    assert failed >= 4 * len(both)


def write_late_mask(path):
    """Write a TIFF, and then a mask into it."""
    pixels = noise(3, 90, 110)
    shape = {"count": 3, "height": 90, "width": 110, "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", **shape, **GRID) as file:
        file.write(pixels)
    before = path.stat().st_size
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "r+") as file,
    ):
        file.write_mask(np.arange(90 * 110).reshape(90, 110) % 7 > 0)
    return before


@pytest.mark.parametrize("more", [0, 1, 10, 100, 150])
def test_a_mask_at_the_end_of_a_tiff_is_missed(tmp_path, more):
    """GDAL takes the file for one without a mask, all valid."""
    path = tmp_path / "late.tif"
    before = write_late_mask(path)
    with open_raster(path) as dataset:
        assert 0 < (dataset.dataset_mask() == 0).mean() < 0.2
    path.write_bytes(path.read_bytes()[: before + more])
    with pytest.raises(RasterError, match="late.tif is truncated at byte"):
        with open_raster(path):
            pass


@pytest.mark.parametrize("size", [0, 4, 100])
def test_a_mask_beside_a_raster_is_missed(tmp_path, size):
    """So is one that GDAL cannot open."""
    path = tmp_path / "scene.tif"
    shape = {"count": 3, "height": 90, "width": 110, "dtype": "uint8"}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False),
        rasterio.open(path, "w", driver="GTiff", **shape, **GRID) as file,
    ):
        file.write(noise(3, 90, 110))
        file.write_mask(np.arange(90 * 110).reshape(90, 110) % 7 > 0)
    with open_raster(path) as dataset:
        assert 0 < (dataset.dataset_mask() == 0).mean() < 0.2
    mask = tmp_path / "scene.tif.msk"
    mask.write_bytes(mask.read_bytes()[:size])
    with pytest.raises(RasterError, match="scene.tif.*its mask.*msk"):
        with open_raster(path):
            pass


@pytest.mark.parametrize("big", [False, True])
def test_directories_in_a_circle_end(tmp_path, big):
    """Malicious; GDAL detects it."""
    path = tmp_path / "circle.tif"
    shape = {"count": 1, "height": 9, "width": 9, "dtype": "uint8"}
    with rasterio.open(
        path, "w", driver="GTiff", **shape, **GRID, bigtiff=big
    ) as file:
        file.write(noise(1, 9, 9))
    data = bytearray(path.read_bytes())
    first, width, count, entry = (16, 8, 8, 20) if big else (8, 4, 2, 12)
    entries = int.from_bytes(data[first : first + count], "little")
    link = first + count + entries * entry
    assert not any(data[link : link + width])
    data[link : link + width] = first.to_bytes(width, "little")
    path.write_bytes(data)
    with open_raster(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), noise(1, 9, 9))
