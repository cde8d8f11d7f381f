"""Write the scores of land-cover presets into a page, as Markdown tables.

    python -m examples.score_land_cover ../shared/data PRESET --json scores.json
    python -m examples.land_cover_table scores.json

adds the scores to `examples/results/land_cover.json`, replacing those of a
preset of the same name, and replaces the text between the two marks in
`examples/results/land_cover.md`. The rest of the page is written by hand.
"""

import argparse
import json
import pathlib
import statistics
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from examples.score_land_cover import mean_of_places
from keras_rsseg.datasets.dubai import FACTS
from keras_rsseg.files import write_durably
from keras_rsseg.tables import markdown_lines

PAGE = pathlib.Path("examples/results/land_cover.md")
BEGIN = "<!-- Written by examples/land_cover_table.py, from here -->"
END = "<!-- to here -->"
_PLACES = {"dubai": "Dubai, 0.8 m", "ohio_naip": "Southern Ohio, 0.6 m"}
_READING = ("iou", "precision", "recall")


def tables(scores: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the tables of all places, with a row (for Kampala several) each.

    Args:
        scores: dict of presets' names to results of
            `score_land_cover.score_places()`.
    """
    parts = [
        _table(
            ["", "mean of both", *_PLACES],
            ([f"`{name}`", *_means(places)] for name, places in scores.items()),
        )
    ]
    for place, title in _PLACES.items():
        rows = (
            [
                f"`{name}`",
                *(_number(places[place][key]) for key in FACTS.class_names),
            ]
            for name, places in scores.items()
        )
        table = _table(["", *FACTS.class_names], rows)
        parts.append(f"{title}, IoU of each class:\n\n{table}")
    rows = list(_readings(scores))
    if rows:
        table = _table(["", "read at", "IoU", "precision", "recall"], rows)
        parts.append(f"Kampala, buildings:\n\n{table}")
    return "\n\n".join(parts)


def replace_tables(page: str, text: str) -> str:
    """Return a page with other tables between its marks.

    Args:
        page: Markdown with the two marks, once each.
        text: the text to put between them.

    Raises:
        ValueError: the page does not have the marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in after or END in after:
        raise ValueError(f"the page must have {BEGIN!r}, then {END!r}, once")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def _table(head: Sequence[str], rows: Any) -> str:
    return "\n".join(markdown_lines(head, rows))


def _means(places: Mapping[str, Any]) -> list[str]:
    known = {name: places[name] for name in _PLACES}
    means = [statistics.fmean(known[name].values()) for name in _PLACES]
    return [_number(value) for value in (mean_of_places(known), *means)]


def _readings(scores: Mapping[str, Mapping[str, Any]]) -> Iterator[list[str]]:
    for name, places in scores.items():
        for distance, reading in places.get("kampala", {}).items():
            yield [
                f"`{name}`",
                distance,
                *(_number(reading[k]) for k in _READING),
            ]


def _number(value: float) -> str:
    return f"{value:.3f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Add scores to the JSON file, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "scores", nargs="*", type=pathlib.Path, help="files of --json"
    )
    parser.add_argument(
        "--page", type=pathlib.Path, default=PAGE, help="page of the tables"
    )
    args = parser.parse_args(arguments)
    store = args.page.with_suffix(".json")
    found = json.loads(store.read_text()) if store.exists() else {}
    for path in args.scores:
        for preset, places in json.loads(path.read_text()).items():
            found[pathlib.Path(preset).name] = places
    page = replace_tables(args.page.read_text(encoding="utf-8"), tables(found))
    write_durably(store, (json.dumps(found, indent=4) + "\n").encode())
    write_durably(args.page, page.encode())


if __name__ == "__main__":
    main()
