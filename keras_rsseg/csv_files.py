"""CSV files as spreadsheets write them, in any country."""

import codecs
import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

from keras_rsseg.errors import ArgumentError
from keras_rsseg.typing import PathLike

# Excel separates by semicolons where commas mark decimals.
_SEPARATORS = ",;\t|"
# Its hint to itself, such as "sep=;", in the first line.
_HINT = "sep="
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class CsvFile(NamedTuple):
    """The cells of a CSV file, without blanks around them.

    Attributes:
        columns: names of the columns that hold anything.
        rows: `(line, cells)` for each row that is not empty: the number of
            its line, from 1, and `{column: text}`.
        separator: what stands between cells.
    """

    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]
    separator: str = ","

    @property
    def decimal_comma(self) -> bool:
        """Whether numbers may be written `0,5`."""
        return self.separator == ";"


def read_csv_file(path: PathLike) -> CsvFile:
    """Read a table with a header, from any program.

    Cells may be separated by commas, semicolons, tabs or bars; text may be
    UTF-8, UTF-16 or Windows' own. Empty rows and columns are left out.

    Args:
        path: path of the file.

    Returns:
        A `CsvFile`.

    Raises:
        ArgumentError: if it is not CSV, or a row has more or fewer cells than
            the header.

    Example:

    ```python
    import pathlib
    from keras_rsseg.csv_files import read_csv_file

    text = "scene;output\\nsüd.tif;\\n;\\n"
    pathlib.Path("list.csv").write_text(text, encoding="cp1252")
    read_csv_file("list.csv").rows
    # [(2, {"scene": "süd.tif", "output": ""})]
    ```
    """
    text = read_text(path)
    separator = _separator(text)
    reader = csv.reader(
        io.StringIO(text, newline=""), strict=True, delimiter=separator
    )
    lines: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                lines.append((reader.line_num, stripped))
    except csv.Error as error:
        raise ArgumentError(f"{path} is not CSV: {error}") from error
    if lines and lines[0][1][0].lower() == _HINT:
        del lines[0]
    if not lines:
        return CsvFile([], [], separator)
    (_, header), *others = lines
    columns = header[: len(header) - _blank_end(header)]
    rows = [(line, _row(path, line, columns, cells)) for line, cells in others]
    return CsvFile(columns, rows, separator)


def read_text(path: PathLike) -> str:
    """Read a text file in UTF-8, UTF-16 or the encoding of Windows.

    Args:
        path: path of the file.

    Raises:
        ArgumentError: if it is not text.
    """
    with open(path, "rb") as file:
        data = file.read()
    encodings = [
        name for mark, name in _MARKS.items() if data.startswith(mark)
    ] or ["utf-8", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    workbook = " (a workbook? Save it as CSV)" if data[:2] == b"PK" else ""
    raise ArgumentError(f"{path} is not CSV: it is not text{workbook}")


def _separator(text: str) -> str:
    first = next(filter(str.strip, text.splitlines()), "")
    if first.lower().startswith(_HINT) and len(first.rstrip("\r\n")) == 5:
        return first[4]
    counts = {
        separator: len(next(csv.reader([first], delimiter=separator), []))
        for separator in _SEPARATORS
    }
    # The comma if it makes no difference.
    return max(counts, key=lambda separator: counts[separator])


def _blank_end(cells: list[str]) -> int:
    """How many cells at the end hold nothing."""
    filled = [index for index, cell in enumerate(cells) if cell]
    return len(cells) - 1 - filled[-1]


def _row(
    path: PathLike, line: int, columns: Sequence[str], cells: list[str]
) -> dict[str, str]:
    extra = cells[len(columns) :]
    if len(cells) < len(columns) or any(extra):
        raise ArgumentError(
            f"{path}, line {line}: the row must have as many cells as the "
            "header; a cell with a comma must be in quotes"
        )
    return dict(zip(columns, cells, strict=False))
