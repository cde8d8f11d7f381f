"""Scenes listed in a file, with options of their own."""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

from keras_rsseg.csv_files import read_csv_file
from keras_rsseg.csv_files import read_text
from keras_rsseg.errors import ArgumentError
from keras_rsseg.options import Field
from keras_rsseg.options import fields
from keras_rsseg.rasters.sources import is_virtual
from keras_rsseg.rasters.sources import located
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.reading.vector_files import is_geometry
from keras_rsseg.typing import PathLike

# Suffixes of tables, and of plain lists of paths.
_TABLES = (".csv", ".tsv")
_PLAIN = (".txt", ".lst")
# Lines to look at to tell a plain list from other text.
_TRIED = 100

# The options that each scene can have of its own.
COLUMNS = {
    field.name: field
    for field in fields(SceneOptions)
    if field.option.per_scene
}

# Path or URL of a scene, path of its map, and its options.
Entry = tuple[str, str | None, dict[str, Any]]


def read_manifest(path: PathLike) -> list[Entry]:
    """Read the scenes listed in a CSV file or a text file of paths.

    Columns of a CSV file; all but the first can be absent, and their cells
    empty:

    - `scene`: path or URL of the scene.
    - `output`: path of its map.
    - any of `COLUMNS`, such as `bands` and `nodata`: an option of
      `predict_scene` for this scene only, written as on the command line.
      Lists use commas or semicolons: `4;3;2`, `0;10000`.

    Paths of scenes and areas are relative to the manifest.

    Args:
        path: path of a CSV file with a header, as any spreadsheet writes
            it (see `read_csv_file`), or of a text file with one path per
            line.

    Returns:
        List of `(scene, output, options)`: a path or URL, a path or `None`,
        a dict of arguments of `predict_scene`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for an unknown column, a row without a scene, a cell that
            cannot be read, or a file without rows; names the line.

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
    if path.suffix.lower() in _PLAIN:
        return [(_beside(path, line), None, {}) for line in _lines(path)]
    table = read_csv_file(path)
    names = _check_columns(path, table.columns)
    entries, errors = [], []
    for line, cells in table.rows:
        row = {names[column]: cell for column, cell in cells.items()}
        try:
            entries.append(_entry(path, row, table.decimal_comma))
        except ArgumentError as error:
            errors.append(f"{path}, line {line}: {error}")
    if errors:
        raise ArgumentError("\n".join(errors))
    if not entries:
        raise ArgumentError(f"The manifest {path} lists no scenes")
    return entries


def is_manifest(source: str) -> bool:
    """Return whether a source is a list of scenes.

    Args:
        source: path or URL. A text file is a list if it names an existing
            raster, as some grids that GDAL reads have the same suffix.
    """
    if is_virtual(source):
        return False
    suffix = os.path.splitext(source)[1].lower()
    if suffix in _PLAIN and os.path.isfile(source):
        try:
            lines = _lines(source)
        except ArgumentError:
            return False
        places = [_beside(source, line) for line in lines[:_TRIED]]
        return any(
            is_virtual(place) or os.path.isfile(place) for place in places
        )
    return suffix in _TABLES


def _lines(path: PathLike) -> list[str]:
    """Paths in a text file, one per line."""
    lines = (line.strip().strip('"') for line in read_text(path).splitlines())
    return [line for line in lines if line and line[0] != "#"]


def _check_columns(
    path: pathlib.Path, columns: Sequence[str]
) -> dict[str, str]:
    """Return `{column: name of an option}`, ignoring case."""
    known = ["scene", "output", *COLUMNS]
    names = {column: column.lower() for column in columns}
    unknown = [column for column in columns if names[column] not in known]
    twice = len(set(names.values())) < len(columns)
    if unknown or twice or "scene" not in names.values():
        too_many = "".join(
            f" {column!r} is none of these." for column in unknown
        )
        raise ArgumentError(
            f"The manifest {path} must have a column scene and can have "
            f"{', '.join(known[1:])}, each once.{too_many} Its columns: "
            f"{', '.join(map(repr, columns))}"
        )
    return names


def _entry(
    path: pathlib.Path, cells: dict[str, str], decimal_comma: bool
) -> Entry:
    scene = cells.pop("scene")
    output = cells.pop("output", "")
    if not scene:
        raise ArgumentError("the row names no scene")
    options = {
        name: _read(COLUMNS[name], text, decimal_comma)
        for name, text in cells.items()
        if text
    }
    area = options.get("area")
    if area is not None and not is_geometry(area):
        options["area"] = _beside(path, area)
    scene = located(_slashed(scene), os.path.dirname(path))
    return scene, _slashed(output) or None, options


def _read(field: Field, text: str, decimal_comma: bool) -> Any:
    try:
        return field.read(text)
    except ArgumentError:
        if not decimal_comma or "," not in text:
            raise
    return field.read(text.replace(",", "."))


def _beside(manifest: PathLike, path: str) -> str:
    if is_virtual(path):
        return path
    folder = os.path.dirname(manifest)
    place = os.path.join(folder, path)
    if not os.path.lexists(place):
        place = os.path.join(folder, _slashed(path))
    return place


def _slashed(path: str) -> str:
    """A path with the separators of this system, not of Windows."""
    if "\\" in path and os.sep == "/" and not os.path.lexists(path):
        return path.replace("\\", "/")
    return path
