"""The list of slow tests names existing tests."""

import json
import pathlib

import pytest

from tests import slow_tests

ROOT = pathlib.Path(__file__).parents[1]


def test_listed_tests_exist():
    for backend, listed in json.loads(slow_tests.FILE.read_text()).items():
        for name in listed:
            path, *classes, function = name.split("::")
            text = (ROOT / path).read_text(encoding="utf-8")
            # Inherited tests are not in the class' own file.
            known = [f"class {name}" in text for name in classes]
            bare = function.partition("[")[0]
            assert all(known) if classes else f"def {bare}" in text, (
                backend,
                name,
            )


def test_durations_are_added_up():
    lines = [
        "2.00s setup    tests/ops/a_test.py::test_one[a b]",
        "1.50s call     tests/ops/a_test.py::test_one[a b]",
        "2.40s call     tests/ops/a_test.py::test_two",
        "3.50s call     tests/data/a_test.py::test_on_tensorflow_alone",
        f"99.0s call     {slow_tests.QUICK[0]}",
        "= 3 passed =",
    ]
    seconds, slow = slow_tests.read_durations(lines, "tensorflow")
    assert seconds["tests/ops/a_test.py::test_one[a b]"] == 3.5
    assert slow == {"tests/ops/a_test.py::test_one[a b]"}


@pytest.mark.parametrize(
    ("backend", "slow"), [("torch", set()), ("jax", {"parity"})]
)
def test_numbers_of_every_network_run_on_torch(backend, slow):
    name = "tests/models/ccnet/checkpoint_test.py::TestParity::test_outputs"
    found = slow_tests.read_durations([f"9.0s call {name}"], backend)[1]
    assert len(found) == len(slow)


def test_what_a_log_lacks_stays_as_it_was(tmp_path, monkeypatch):
    listed = tmp_path / "slow.json"
    listed.write_text(json.dumps({"jax": {"tests/a.py::b": 9.0}}))
    log = tmp_path / "log"
    log.write_text("9.50s call     tests/a.py::c\n")
    monkeypatch.setattr(slow_tests, "FILE", listed)
    slow_tests.main("jax", log)
    assert json.loads(listed.read_text()) == {
        "jax": {"tests/a.py::b": 9.0, "tests/a.py::c": 9.5}
    }
