"""A script writes scores into the page, so that typos cannot."""

import json

import pytest

from examples import land_cover_table
from keras_rsseg.datasets.dubai import FACTS
from tests.commands_test import ROOT

MARKS = f"{land_cover_table.BEGIN}\n{land_cover_table.END}"
PAGE = f"# Title\n\nText.\n\n{MARKS}\n\nMore.\n"


def scores_of(first, kampala=True):
    """Return scores with given values for the first class."""
    places = {
        name: dict(
            zip(FACTS.class_names, [iou, 0.5, 0.5, 0.5, 0.5], strict=True)
        )
        for name, iou in (("dubai", first), ("ohio_naip", 0.0))
    }
    if kampala:
        reading = {"iou": first / 2, "precision": 0.25, "recall": 0.125}
        places["kampala"] = {"0.4 m": reading, "1 m": reading}
    return places


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "land_cover.md"
    path.write_text(PAGE)
    return path


def write(page, **scores):
    path = page.parent / "scores.json"
    path.write_text(json.dumps(scores))
    land_cover_table.main([str(path), "--page", str(page)])
    return page.read_text()


def test_rows_of_every_place(page):
    text = write(page, before=scores_of(1.0), after=scores_of(0.5, False))
    lines = text.splitlines()
    for row in (
        "|  | mean of both | dubai | ohio_naip |",
        "| `before` | 0.500 | 0.600 | 0.400 |",
        "| `after` | 0.450 | 0.500 | 0.400 |",
        "| `before` | 1.000 | 0.500 | 0.500 | 0.500 | 0.500 |",
        "| `after` | 0.000 | 0.500 | 0.500 | 0.500 | 0.500 |",
        "| `before` | 0.4 m | 0.500 | 0.250 | 0.125 |",
        "| `before` | 1 m | 0.500 | 0.250 | 0.125 |",
    ):
        assert row in lines, row
    assert "| `after` | 1 m" not in text
    assert lines[:3] == ["# Title", "", "Text."] and lines[-1] == "More."


def test_rows_stay_when_others_come(page):
    write(page, before=scores_of(1.0))
    text = write(page, **{"runs/after/": scores_of(0.5)})
    assert "`before`" in text and "`after`" in text and "runs" not in text
    # Written again, with new numbers.
    new = write(page, after=scores_of(0.0))
    assert new.count("`after`") == text.count("`after`")
    assert "| `after` | 0.400 | 0.400 | 0.400 |" in new
    stored = json.loads(page.with_suffix(".json").read_text())
    assert list(stored) == ["before", "after"]
    land_cover_table.main(["--page", str(page)])
    assert page.read_text() == new


@pytest.mark.parametrize(
    "damage",
    [
        lambda page: page.replace(land_cover_table.END, ""),
        lambda page: page.replace(land_cover_table.BEGIN, ""),
        lambda page: page + page,
    ],
)
def test_a_page_without_its_marks_is_left_alone(page, damage):
    page.write_text(damage(PAGE))
    with pytest.raises(ValueError, match="must have"):
        write(page, before=scores_of(1.0))
    assert page.read_text() == damage(PAGE)
    assert not page.with_suffix(".json").exists()


def test_the_page_shows_what_is_stored():
    """Nobody wrote a number by hand."""
    path = land_cover_table.PAGE
    page = (ROOT / path).read_text(encoding="utf-8")
    stored = json.loads((ROOT / path).with_suffix(".json").read_text())
    text = land_cover_table.tables(stored)
    assert land_cover_table.replace_tables(page, text) == page
