"""Files mistaken for rasters: what they are, and what to do."""

import os
import zipfile

_BEGINNING = 1024
_RASTERS = (".tif", ".tiff", ".jp2", ".img", ".png", ".jpg", ".jpeg", ".vrt")
_SHOWN = 3
_LONGEST_LINE = 60

# What files begin with, and what to say about them.
_SIGNATURES = (
    (
        b"version https://git-lfs",
        "it is a Git LFS pointer, not the file itself: run `git lfs pull` in "
        "the clone",
    ),
    (b"%PDF", "it is a PDF: export the map in it as a GeoTIFF"),
    (b"LASF", "it is a point cloud (LAS, LAZ), not an image"),
    (b"\x93NUMPY", "it is a NumPy array: write it to a GeoTIFF"),
    (b"\x89HDF", "it is HDF5 without a raster that GDAL can read"),
    (b"8BPS", "it is a Photoshop file: save it as TIFF"),
    (b"\0\0\x27\x0a", "it is a shapefile, which holds no pixels"),
    (
        b"SQLite format 3",
        "it is a database (GeoPackage, MBTiles ...) without a raster",
    ),
    (b"Rar!", "it is an archive: unpack it first"),
    (b"7z\xbc\xaf", "it is an archive: unpack it first"),
    (
        b"msid",
        "it is MrSID, which GDAL reads only with LizardTech's library: "
        "convert it to GeoTIFF with the program it came with",
    ),
)
_ZIP = "/vsizip/"
_PAGES = (b"<!doctype html", b"<html")
_ECW = (
    "it is ECW, which GDAL reads only with Hexagon's library: convert it "
    "to GeoTIFF with a program that has it, such as QGIS for Windows "
    "(gdal_translate)"
)
_OTHERS = {".ecw": _ECW, ".sid": _SIGNATURES[-1][1]}


def what_it_is(path: str) -> str | None:
    """Return what a file that GDAL cannot read is, and what to do.

    Args:
        path: path of the file, or `/vsizip/` and the path of a zip file.

    Returns:
        A clause, or `None` if unknown.

    Example:

    ```python
    import pathlib
    from keras_rsseg.rasters.not_rasters import what_it_is

    pathlib.Path("scene.tif").touch()
    what_it_is("scene.tif")
    # "the file is empty: copy or download it again"
    ```
    """
    if os.path.isdir(path):
        return "it is a folder: give a raster in it"
    if path.startswith(_ZIP):
        return _in_archive(path.removeprefix(_ZIP))
    try:
        with open(path, "rb") as file:
            beginning = file.read(_BEGINNING)
    except OSError:
        return None
    if not beginning.strip(b"\0"):
        state = "is empty" if not beginning else "begins with nothing but zeros"
        return f"the file {state}: copy or download it again"
    for signature, told in _SIGNATURES:
        if beginning.startswith(signature):
            return told
    if beginning.startswith(b"PK\3\4"):
        return _archive(path)
    if beginning[257:262] == b"ustar":
        return f"it is an archive: unpack it, or give /vsitar/{path}/NAME"
    if beginning.startswith(b"\x1f\x8b"):
        if path.lower().endswith((".tar.gz", ".tgz")):
            return f"it is an archive: unpack it, or give /vsitar/{path}/NAME"
        return f"it is gzipped: unpack it, or give /vsigzip/{path}"
    other = _OTHERS.get(os.path.splitext(path)[1].lower())
    return other or _text(beginning)


def _in_archive(path: str) -> str | None:
    """What to say about a file missing from a zip file, or not a raster."""
    archive = path
    while not os.path.isfile(archive):
        above = os.path.dirname(archive)
        if above in ("", archive):
            return None
        archive = above
    inside = os.path.relpath(path, archive)
    told = what_it_is(archive)
    if inside == os.curdir or told is None:
        return told
    try:
        with zipfile.ZipFile(archive) as opened:
            if inside in opened.namelist():
                return None
    except (OSError, ValueError, zipfile.BadZipFile):
        return told
    return f"{archive} has no {inside}; {told}"


def _archive(path: str) -> str:
    """What to say about a zip file, which may be a document."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile):
        return "it is a truncated zip file: download it again"
    if any(name.startswith(("xl/", "content.xml")) for name in names):
        return "it is a spreadsheet. Save a list of scenes as CSV"
    inside = [name for name in names if name.lower().endswith(_RASTERS)]
    if not inside:
        return "it is a zip file: unpack it first"
    given = ", ".join(f"/vsizip/{path}/{name}" for name in inside[:_SHOWN])
    more = " ..." if len(inside) > _SHOWN else ""
    return f"it is a zip file: unpack it, or give {given}{more}"


def _text(beginning: bytes) -> str | None:
    """What to say about text, which a server may have sent as a file."""
    start = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.lower().startswith(_PAGES):
        return (
            "it is an HTML page, which servers send for an error or a login: "
            "download the file again"
        )
    # A character may be cut at the end.
    text = start.decode("utf-8", "ignore")
    cut = len(start) - len(text.encode()) < 4
    plain = all(char.isprintable() or char.isspace() for char in text)
    if not cut or not plain:
        return None
    line = text.splitlines()[0][:_LONGEST_LINE]
    told = f"it is text that begins with {line!r}"
    if line.lower().endswith(_RASTERS):
        return f"{told}. A list of scenes is a .csv with a column named scene"
    return told
