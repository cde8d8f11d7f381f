"""Scenes listed in a CSV file, with options of their own."""

import csv
import os
import pathlib
import re
from collections.abc import Sequence
from typing import Any

from keras_rsseg.errors import ArgumentError
from keras_rsseg.options import fields
from keras_rsseg.rasters.sources import is_virtual
from keras_rsseg.rasters.sources import located
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.typing import PathLike

# Beginnings of an area that is given as text: GeoJSON, WKT.
_GEOMETRY = re.compile(r"\s*(\{|(MULTI)?POLYGON\b|GEOMETRYCOLLECTION\b)", re.I)

# The options that each scene may have of its own.
COLUMNS = {
    field.name: field
    for field in fields(SceneOptions)
    if field.option.per_scene
}

# Path or URL of a scene, path of its map, and its options.
Entry = tuple[str, str | None, dict[str, Any]]


def read_manifest(path: PathLike) -> list[Entry]:
    """Read the scenes that a CSV file lists.

    Its columns, of which all but the first may be absent and any cell of
    the others empty:

    - `scene`: path or URL of the scene.
    - `output`: path of its map.
    - any of `COLUMNS`, such as `bands` and `nodata`: an option of
      `predict_scene` for this scene alone, written as on the command line.
      Lists with commas or semicolons: `4;3;2`, `0;10000`.

    Paths of scenes and areas are relative to the manifest.

    Args:
        path: path of the CSV file, UTF-8, with a header.

    Returns:
        List of `(scene, output, options)`: a path or URL, a path or `None`,
        a dict of arguments of `predict_scene`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for an unknown column, a row without a scene, a cell that
            cannot be read, or a file without rows; with its line.

    Example:

    ```python
    import pathlib
    from keras_rsseg.scenes.many.scene_manifest import read_manifest

    pathlib.Path("list.csv").write_text(
        "scene,output,bands,nodata\\n"
        "/data/north.tif,north.tif,4;3;2,0\\n"
        "/data/south.tif,south.tif,,\\n"
    )
    north, south = read_manifest("list.csv")
    north[2]  # {"bands": ["4", "3", "2"], "nodata": 0.0}
    south  # ("/data/south.tif", "south.tif", {})
    ```
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no manifest {path}")
    try:
        # Excel begins UTF-8 with a mark.
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, strict=True)
            _check_columns(path, rows.fieldnames or [])
            entries = [_entry(path, rows.line_num, row) for row in rows]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ArgumentError(
            f"The manifest {path} is no CSV: {error}"
        ) from error
    if not entries:
        raise ArgumentError(f"The manifest {path} lists no scene")
    return entries


def _check_columns(path: pathlib.Path, columns: Sequence[str]) -> None:
    known = ["scene", "output", *COLUMNS]
    unknown = [name for name in columns if name not in known]
    twice = {name for name in columns if columns.count(name) > 1}
    if unknown or twice or "scene" not in columns:
        raise ArgumentError(
            f"The manifest {path} must have a column scene and may have "
            f"{', '.join(known[1:])}, each once. Its columns: "
            f"{', '.join(map(repr, columns))}"
        )


def _entry(path: pathlib.Path, line: int, row: dict[str, Any]) -> Entry:
    if None in row or None in row.values():
        raise ArgumentError(
            f"{path}, line {line}: the row must have as many cells as the "
            "header; a cell with a comma must be in quotes"
        )
    cells = {name: text.strip() for name, text in row.items()}
    scene = cells.pop("scene")
    output = cells.pop("output", "")
    if not scene:
        raise ArgumentError(f"{path}, line {line}: the row names no scene")
    options = {}
    for name, text in cells.items():
        if not text:
            continue
        try:
            options[name] = COLUMNS[name].read(text)
        except ArgumentError as error:
            raise ArgumentError(f"{path}, line {line}: {error}") from error
    area = options.get("area")
    if area is not None and not _GEOMETRY.match(area):
        options["area"] = _beside(path, area)
    return located(scene, os.path.dirname(path)), output or None, options


def _beside(manifest: pathlib.Path, path: str) -> str:
    if is_virtual(path):
        return path
    return os.path.join(os.path.dirname(manifest), path)
