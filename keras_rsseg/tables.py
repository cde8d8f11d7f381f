"""Tables as text: Markdown, columns for a terminal, CSV."""

import csv
import io
import re
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

# "7,500 m2", "98.8%", "-1.5"; a dash and an empty cell stand for no number.
_NUMBER = re.compile(r"(?:[-+]?\d[\d.,]*(?:%| [a-z]+2?)?|-|)")


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table that also reads well as plain text.

    Columns line up; columns of nothing but numbers are right-aligned.

    Args:
        header: the columns' titles.
        rows: a string for each column, any number of rows. A `|` is escaped,
            and a line break becomes a space.

    Returns:
        The lines of the table, without a line break after the last.

    Example:

    ```python
    from keras_rsseg.tables import markdown_table

    print(markdown_table(["class", "IoU"], [["water", "9.5"]]))
    # | class | IoU |
    # |-------|----:|
    # | water | 9.5 |
    ```
    """
    table = [[_escaped(cell) for cell in row] for row in (header, *rows)]
    right = _columns_of_numbers(table[1:], len(header))
    widths = _widths(table)
    rule = "|".join(
        "-" * (width + 1) + (":" if to_right else "-")
        for width, to_right in zip(widths, right, strict=True)
    )
    first, *others = (_joined(_padded(row, widths, right)) for row in table)
    return "\n".join([first, f"|{rule}|", *others])


def counted(number: int, noun: str) -> str:
    """Return "1 scene", "2 scenes", "1,500 classes".

    Args:
        number: how many.
        noun: of one.
    """
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{number:,} {noun if number == 1 else plural}"


def markdown_lines(
    header: Sequence[str], rows: Iterable[Sequence[str]]
) -> Iterator[str]:
    """Yield a Markdown table line by line, without lining up its columns.

    For rows that are printed as they are measured, and for those too long
    to line up.

    Args:
        header: the columns' titles.
        rows: as for `markdown_table`. Each is read only for its own line.

    Yields:
        The lines of the table.

    Example:

    ```python
    from keras_rsseg.tables import markdown_lines

    list(markdown_lines(["class", "IoU"], [["water", "9.5"]]))
    # ["| class | IoU |", "| --- | --- |", "| water | 9.5 |"]
    ```
    """
    yield _joined(map(_escaped, header))
    yield _joined(["---"] * len(header))
    for row in rows:
        yield _joined(map(_escaped, row))


def text_table(
    header: Sequence[str] | None, rows: Iterable[Sequence[str]]
) -> str:
    """Return a table for a terminal: columns two spaces apart.

    Columns of nothing but numbers are right-aligned.

    Args:
        header: the columns' titles, or `None` for a table without.
        rows: a string for each column, any number of rows. A line break
            becomes a space.

    Returns:
        The lines of the table, without a line break after the last.

    Example:

    ```python
    from keras_rsseg.tables import text_table

    print(text_table(["class", "area"], [["water", "12 m2"]]))
    # class   area
    # water  12 m2
    ```
    """
    cells = [[_one_line(cell) for cell in row] for row in rows]
    titles = [] if header is None else [list(header)]
    table = titles + cells
    if not table:
        return ""
    right = _columns_of_numbers(cells, len(table[0]))
    widths = _widths(table)
    return "\n".join(
        "  ".join(_padded(row, widths, right)).rstrip() for row in table
    )


def csv_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""Return a table as CSV, with "\n" between its lines on every system.

    Args:
        header: the columns' names.
        rows: a value for each column, any number of rows.

    Returns:
        The text of the file; write it with `newline=""`, or as bytes.

    Example:

    ```python
    from keras_rsseg.tables import csv_table

    csv_table(["class", "pixels"], [["water, salt", 3]])
    # 'class,pixels\n"water, salt",3\n'
    ```
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _columns_of_numbers(rows: list[list[str]], count: int) -> list[bool]:
    return [
        all(_NUMBER.fullmatch(row[index]) for row in rows)
        for index in range(count)
    ]


def _widths(table: list[list[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*table, strict=True)]


def _padded(
    row: Sequence[str], widths: list[int], right: list[bool]
) -> list[str]:
    return [
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(row, widths, right, strict=True)
    ]


def _joined(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(cell: str) -> str:
    return _one_line(cell).replace("|", r"\|")


def _one_line(cell: str) -> str:
    return " ".join(cell.split())
