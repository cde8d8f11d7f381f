"""The list of slow tests names tests that there are."""

import json
import pathlib

from tests import slow_tests

ROOT = pathlib.Path(__file__).parents[1]


def test_listed_tests_exist():
    for backend, listed in json.loads(slow_tests.FILE.read_text()).items():
        for name in listed:
            path, *classes, function = name.split("::")
            text = (ROOT / path).read_text(encoding="utf-8")
            # What a class inherits is not told by its own file.
            known = [f"class {name}" in text for name in classes]
            bare = function.partition("[")[0]
            assert all(known) if classes else f"def {bare}" in text, (
                backend,
                name,
            )


def test_durations_are_added_up():
    lines = [
        "3.00s setup    tests/a_test.py::test_one[a b]",
        "2.00s call     tests/a_test.py::test_one[a b]",
        "3.90s call     tests/a_test.py::test_two",
        f"99.0s call     {slow_tests.QUICK[0]}",
        "= 3 passed =",
    ]
    found = slow_tests.read_durations(lines)
    assert found == {"tests/a_test.py::test_one[a b]": 5.0}
