"""Names of rasters: files, URLs, parts of files, several files."""

import os
import pathlib

import pytest

from keras_rsseg.rasters.sources import absolute_source
from keras_rsseg.rasters.sources import files_of
from keras_rsseg.rasters.sources import is_part
from keras_rsseg.rasters.sources import is_virtual
from keras_rsseg.rasters.sources import located
from keras_rsseg.rasters.sources import missing_file
from keras_rsseg.rasters.sources import plain_name
from keras_rsseg.rasters.sources import short_name


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in ("B04.tif", "B03.tif", "C++ 1.tif", "page.tif", "ocean.nc"):
        (tmp_path / "in" / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    "source, expected",
    [
        ("in/B04.tif", ["in/B04.tif"]),
        ("in/B04.tif+in/B03.tif", ["in/B04.tif", "in/B03.tif"]),
        # Beside the first one.
        ("in/B04.tif+B03.tif", ["in/B04.tif", "in/B03.tif"]),
        # Names with a plus.
        ("in/C++ 1.tif", ["in/C++ 1.tif"]),
        ("in/C++ 1.tif+in/B03.tif", ["in/C++ 1.tif", "in/B03.tif"]),
        ("in/B03.tif+C++ 1.tif", ["in/B03.tif", "in/C++ 1.tif"]),
        ("nothing+here.tif", ["nothing+here.tif"]),
        ("https://host/a+b.tif", ["https://host/a+b.tif"]),
        (
            "https://host/a+b.tif+https://host/c.tif",
            ["https://host/a+b.tif", "https://host/c.tif"],
        ),
        ("/vsis3/x/a.tif+/vsis3/x/b.tif", ["/vsis3/x/a.tif", "/vsis3/x/b.tif"]),
        (
            'NETCDF:"in/ocean.nc":u+NETCDF:"in/ocean.nc":v',
            ['NETCDF:"in/ocean.nc":u', 'NETCDF:"in/ocean.nc":v'],
        ),
        ("<VRTDataset>a+b</VRTDataset>", ["<VRTDataset>a+b</VRTDataset>"]),
    ],
)
def test_files_of(here, source, expected):
    assert files_of(source) == expected


@pytest.mark.parametrize(
    "source, missing",
    [
        ("in/B04.tif", None),
        ("in/B05.tif", "in/B05.tif"),
        ("in/B04.tif+in/B03.tif", None),
        ("in/B04.tif+in/B05.tif+in/B03.tif", "in/B05.tif"),
        ("GTIFF_DIR:2:in/page.tif", None),
        ("s3://bucket/a.tif", None),
        ("C:/a.tif", "C:/a.tif"),
    ],
)
def test_missing_file(here, source, missing):
    assert missing_file(source) == missing


def test_kinds(here):
    assert is_part("GTIFF_DIR:2:in/page.tif")
    assert is_part('HDF5:"a.h5"://day')
    assert not is_part("https://host/a.tif") and is_virtual("https://host/a")
    assert not is_part("C:/a.tif") and not is_part("in/B04.tif")
    # A time in a file's name is not a driver prefix.
    pathlib.Path("S2_T10:20.tif").touch()
    assert not is_part("S2_T10:20.tif")


def test_places(here):
    """As meant by a list in another folder, and by workers elsewhere."""
    assert located("B04.tif", "in") == "in/B04.tif"
    assert located("B04.tif+B03.tif", "in") == "in/B04.tif+in/B03.tif"
    assert located("GTIFF_DIR:2:page.tif", "in") == "GTIFF_DIR:2:in/page.tif"
    assert located("s3://x/a.tif", "in") == "s3://x/a.tif"
    found = absolute_source('NETCDF:"in/ocean.nc":u')
    assert found == f'NETCDF:"{here}/in/ocean.nc":u'
    found = absolute_source("in/B04.tif+B03.tif")
    assert found == f"{here}/in/B04.tif+{here}/in/B03.tif"
    assert absolute_source("x.tif") == os.path.join(here, "x.tif")


@pytest.mark.parametrize(
    "source, short, plain",
    [
        ("in/B04.tif", "B04.tif", "B04.tif"),
        ("https://host/x/a.tif?key=b/c", "c", "a.tif"),
        ("GTIFF_DIR:2:in/page.tif", "GTIFF_DIR:2:page.tif", "page_2"),
        ('NETCDF:"in/ocean.nc":u', 'NETCDF:"ocean.nc":u', "ocean_u"),
        ('HDF5:"in/ocean.nc"://a/u', 'HDF5:"ocean.nc"://a/u', "ocean_a_u"),
        ("in/B04.tif+B03.tif", "B04.tif+B03.tif", "B04"),
        (
            "s3://x/T32UPU_B04_10m.jp2+s3://x/T32UPU_B03_10m.jp2",
            "T32UPU_B04_10m.jp2+T32UPU_B03_10m.jp2",
            "T32UPU",
        ),
    ],
)
def test_names_of_what_is_made(here, source, short, plain):
    assert short_name(source) == short
    assert plain_name(source) == plain
