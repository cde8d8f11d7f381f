"""Which tests are slow on which backend, as it was measured.

A network that one backend runs at once, another compiles for a minute. So
tests are listed in `slow_tests.json`, by backend, and marked `slow` there:

    KERAS_BACKEND=jax pytest --durations=0 -vv -m "" | tee jax.log
    python -m tests.slow_tests jax jax.log
"""

import json
import pathlib
import re
import sys

FILE = pathlib.Path(__file__).with_suffix(".json")
# Seconds, on two cores.
LIMIT = 4.0
# What each backend has to show in a quick run, too: numbers of the released
# networks, and that the embedded preset computes the same everywhere.
QUICK = (
    "tests/models/pfnet/checkpoint_test.py::TestParity::test_outputs"
    "[1x128x128]",
    "tests/models/preset_backends_test.py",
    "tests/models/training_test.py::test_loss_falls_on_aerial_images[PFNet]",
    "tests/training/train_test.py::TestStopped::test_goes_on[train]",
    "tests/training/train_test.py::TestWhatItBrings",
)
_ROW = re.compile(r"([\d.]+)s (?:call|setup|teardown)\s+(tests/.*?)\s*$")


def slow_tests(backend):
    """Return the ids of the tests that are slow on a backend."""
    return set(json.loads(FILE.read_text()).get(backend, {}))


def read_durations(lines):
    """Return `{id: seconds}` of the tests above the limit in pytest's list."""
    seconds = {}
    for line in lines:
        row = _ROW.match(line)
        if row:
            seconds[row[2]] = seconds.get(row[2], 0.0) + float(row[1])
    return {
        name: round(took, 1)
        for name, took in sorted(seconds.items())
        if took >= LIMIT and not name.startswith(QUICK)
    }


def main(backend, log):
    """List the tests that were slow in a log."""
    listed = json.loads(FILE.read_text()) if FILE.exists() else {}
    with open(log, encoding="utf-8", errors="replace") as lines:
        listed[backend] = read_durations(lines)
    FILE.write_text(json.dumps(listed, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
