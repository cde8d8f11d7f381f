"""The attribute table of a map, as ArcGIS stores it."""

import pathlib
import struct
from collections.abc import Iterable
from collections.abc import Sequence

from keras_rsseg.files import check_free
from keras_rsseg.files import write_durably
from keras_rsseg.scenes.maps.class_map import count_classes
from keras_rsseg.scenes.maps.class_map import open_class_map
from keras_rsseg.scenes.maps.class_map import read_legend
from keras_rsseg.typing import PathLike

# Suffixes, beside the map, of the table and of the file with its encoding.
TABLE, ENCODING = ".vat.dbf", ".vat.cpg"
# The longest text in dBase, in bytes.
_LONGEST = 254
# A fixed date: the same map gets the same table.
_DATE = 100, 1, 1


def write_attribute_table(
    classes: PathLike, overwrite: bool = False
) -> pathlib.Path:
    """Write the attribute table of a map, to a `.vat.dbf` file beside it.

    ArcGIS uses it to show the map with names and colours, to join and to
    select. It writes the same file itself beside a GeoTIFF; QGIS
    (from 3.30) and GDAL (from 3.11) also read it. A table in `.aux.xml`,
    GDAL's own way, would share the file with reference systems that a
    GeoTIFF cannot hold, and with the statistics that programs write there.

    Its columns: `Value` (the class id), `Count` (pixels), `ClassName`,
    `Red`, `Green`, `Blue`.

    Args:
        classes: path of a map that `predict_scene` wrote.
        overwrite: whether an existing table may be replaced.

    Returns:
        The `pathlib.Path` of the table: that of the map plus `.vat.dbf`.

    Raises:
        FileExistsError: if it exists and `overwrite` is false.
        FileNotFoundError: if the map does not exist.
        ValueError: if `classes` is not a class map.

    Example:

    ```python
    keras.utils.save_img("scene.png", np.zeros((8, 8, 3)))
    keras_rsseg.predict_scene(
        lambda tiles: tiles, "scene.png", "classes.tif", tile_size=8
    )
    path = keras_rsseg.scenes.write_attribute_table("classes.tif")
    path.name  # 'classes.tif.vat.dbf'
    ```
    """
    with open_class_map(classes) as dataset:
        legend, counts = read_legend(dataset), count_classes(dataset)
    path = check_attribute_table(classes, overwrite)
    rows = [
        (value, int(counts[value]), name, *color)
        for value, (name, color) in enumerate(
            zip(legend.names or [], legend.colors or [], strict=True)
        )
    ]
    # The table last: where it exists, so does its encoding.
    write_durably(_beside(classes, ENCODING), b"UTF-8")
    write_durably(path, _dbase(rows))
    return path


def check_attribute_table(
    classes: PathLike, overwrite: bool = False
) -> pathlib.Path:
    """Raise if a table cannot be written, else return its path.

    Args:
        classes: path of the map, which need not exist yet.
        overwrite: whether an existing table may be replaced.

    Raises:
        FileExistsError: if it exists and `overwrite` is false.
    """
    path = _beside(classes, TABLE)
    check_free(path, overwrite)
    return path


def _beside(classes: PathLike, ending: str) -> pathlib.Path:
    path = pathlib.Path(classes)
    return path.with_name(path.name + ending)


def _dbase(rows: Sequence[tuple[int, int, str, int, int, int]]) -> bytes:
    """The table in dBase III."""
    names = [_text(row[2]) for row in rows]
    fields = [
        ("Value", b"N", 10),
        ("Count", b"N", 19),
        ("ClassName", b"C", max(map(len, names), default=1)),
        *((color, b"N", 5) for color in ("Red", "Green", "Blue")),
    ]
    lengths = [length for _, _, length in fields]
    header = struct.pack(
        "<4BIHH20x",
        3,
        *_DATE,
        len(rows),
        32 * (len(fields) + 1) + 1,
        sum(lengths) + 1,
    )
    described = b"".join(
        struct.pack("<11sc4xBB14x", name.encode(), kind, length, 0)
        for name, kind, length in fields
    )
    records = b"".join(_record(row, lengths) for row in rows)
    return header + described + b"\r" + records + b"\x1a"


def _record(row: Iterable[int | str], lengths: Sequence[int]) -> bytes:
    """A row, after the blank that means "not deleted"."""
    cells = [
        _text(cell).ljust(length)
        if isinstance(cell, str)
        else str(cell).encode().rjust(length)
        for cell, length in zip(row, lengths, strict=True)
    ]
    return b" " + b"".join(cells)


def _text(name: str) -> bytes:
    cut = name.encode()[:_LONGEST]
    # Drops a character cut in two.
    return cut.decode("utf-8", "ignore").encode()
