"""Tables stay tables, whatever their cells hold, and line up."""

import csv
import io

import pytest

from keras_rsseg import tables

HEADER = ["class", "area", "share"]
ROWS = [["water", "7,500 m2", "-"], ["bare land", "1.25 km2", "98.8%"]]


def test_markdown_lines_up_with_numbers_to_the_right():
    assert tables.markdown_table(HEADER, ROWS).splitlines() == [
        "| class     |     area | share |",
        "|-----------|---------:|------:|",
        "| water     | 7,500 m2 |     - |",
        "| bare land | 1.25 km2 | 98.8% |",
    ]


@pytest.mark.parametrize(
    "write",
    [
        tables.markdown_table,
        lambda *table: "\n".join(tables.markdown_lines(*table)),
    ],
)
def test_no_name_breaks_a_markdown_table(write):
    first, rule, row = write(["a|b", "c"], [["new\nline", "x|y"]]).splitlines()
    assert first.startswith(r"| a\|b ") and r"x\|y" in row
    assert row.startswith("| new line |")
    assert set(rule) <= set("|-: ")


def test_markdown_lines_come_as_their_rows_are_made():
    made = []

    def rows():
        for row in ROWS:
            made.append(row)
            yield row

    lines = tables.markdown_lines(HEADER, rows())
    assert next(lines) == "| class | area | share |"
    assert next(lines) == "| --- | --- | --- |"
    assert made == []
    assert next(lines) == "| water | 7,500 m2 | - |"
    assert made == ROWS[:1]


def test_a_table_for_a_terminal():
    assert tables.text_table(HEADER, ROWS).splitlines() == [
        "class          area  share",
        "water      7,500 m2      -",
        "bare land  1.25 km2  98.8%",
    ]
    assert tables.text_table(None, [["a", "1"], ["b c", "20"]]) == (
        "a     1\nb c  20"
    )
    assert tables.text_table(None, []) == ""
    assert tables.text_table(["a", "b"], []) == "a  b"


@pytest.mark.parametrize("name", ["2024_a.tif", "10m", "1/2", "--"])
def test_names_that_begin_with_a_digit_are_no_numbers(name):
    lines = tables.text_table(["scene", "px"], [[name, "3"], ["a", "10"]])
    assert lines.splitlines()[2].startswith("a ")


def test_no_line_ends_in_spaces():
    text = tables.text_table(["scene", "error"], [["a", ""], ["b", "no"]])
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_a_row_of_another_length_is_our_fault():
    for write in (tables.markdown_table, tables.text_table):
        with pytest.raises((ValueError, IndexError)):
            write(["a", "b"], [["1", "2"], ["3"]])


def test_csv_reads_back_whatever_the_cells_hold():
    rows = [["a,b", 'say "no"'], ["", "two\nlines"]]
    text = tables.csv_table(["name", "error"], rows)
    assert text.startswith("name,error\n")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["name", "error"],
        *rows,
    ]
