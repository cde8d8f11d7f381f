"""A table is read whatever program and locale wrote it."""

import pytest

from keras_rsseg.csv_files import read_csv_file
from keras_rsseg.errors import ArgumentError

ROWS = [
    (2, {"scene": "süd.tif", "note": "a,b"}),
    (3, {"scene": "x", "note": ""}),
]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"]
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_and_encodings(tmp_path, encoding, separator, end):
    lines = ["scene,note", 'süd.tif,"a!b"', "x,"]
    text = end.join(lines).replace(",", separator).replace("!", ",")
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode(encoding))
    table = read_csv_file(path)
    assert table.columns == ["scene", "note"]
    assert table.rows == ROWS
    assert table.decimal_comma == (separator == ";")


def test_what_is_empty_is_left_out(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("sep=;\n\n scene ;note;;\na;b;;\n;;;\n\nc;\n")
    table = read_csv_file(path)
    assert table.columns == ["scene", "note"]
    assert table.rows == [
        (4, {"scene": "a", "note": "b"}),
        (7, {"scene": "c", "note": ""}),
    ]
    path.write_text("\n")
    assert read_csv_file(path).rows == []


@pytest.mark.parametrize(
    "data, match",
    [
        (b"a,b\nc\n", "line 2: the row must have as many cells"),
        (b"a,b\nc,d,e\n", "line 2.*in quotes"),
        (b'a\n"b\n', "is not CSV"),
        (b"PK\3\4\0\0", "a workbook"),
        (b"a\0\x81b", "not text"),
    ],
)
def test_what_is_none(tmp_path, data, match):
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    with pytest.raises(ArgumentError, match=match):
        read_csv_file(path)
