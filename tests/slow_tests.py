"""Which tests are slow on which backend, as measured.

A network that one backend runs at once takes another a minute to compile. So
tests are listed in `slow_tests.json`, by backend, and marked `slow` there:

    KERAS_BACKEND=jax pytest --durations=0 -vv -m "" | tee jax.log
    python -m tests.slow_tests jax jax.log

Tests missing from a log, such as one of `-m "not slow"`, keep their earlier
measurements.
"""

import json
import pathlib
import re
import sys

FILE = pathlib.Path(__file__).with_suffix(".json")
# Seconds on two cores with other work, for tests that every backend runs, and
# for those that only TensorFlow runs.
LIMIT, LIMIT_ALONE = 2.5, 8.0
_FACING = FILE.parents[1] / ".ci" / "backend_facing"
# Tests that each backend also needs in a quick run: numbers of the released
# networks, and that the embedded preset computes the same everywhere.
QUICK = (
    "tests/models/pfnet/checkpoint_test.py::TestParity::test_outputs"
    "[1x128x128]",
    "tests/models/preset_backends_test.py",
    "tests/models/training_test.py::test_loss_falls_on_aerial_images[PFNet]",
    "tests/training/train_test.py::TestStopped::test_goes_on[train]",
    "tests/training/train_test.py::TestWhatItBrings",
)
# The numbers of every released network, on the fastest backend.
QUICK_ON_TORCH = "checkpoint_test.py::TestParity::test_outputs"
_ROW = re.compile(r"([\d.]+)s (?:call|setup|teardown)\s+(tests/.*?)\s*$")


def slow_tests(backend):
    """Return the ids of the tests that are slow on a backend."""
    return set(json.loads(FILE.read_text()).get(backend, {}))


def read_durations(lines, backend):
    """Return `{id: seconds}` of pytest's list, and which of them are slow."""
    seconds = {}
    for line in lines:
        row = _ROW.match(line)
        if row:
            seconds[row[2]] = seconds.get(row[2], 0.0) + float(row[1])
    everywhere = tuple(_FACING.read_text().split())
    slow = {
        name
        for name, took in seconds.items()
        if took >= (LIMIT if name.startswith(everywhere) else LIMIT_ALONE)
        and not _stays_quick(name, backend)
    }
    return seconds, slow


def _stays_quick(name, backend):
    return name.startswith(QUICK) or (
        backend == "torch" and QUICK_ON_TORCH in name
    )


def main(backend, log):
    """List the tests that were slow in a log."""
    listed = json.loads(FILE.read_text()) if FILE.exists() else {}
    with open(log, encoding="utf-8", errors="replace") as lines:
        seconds, slow = read_durations(lines, backend)
    before = listed.get(backend, {})
    kept = {name: took for name, took in before.items() if name not in seconds}
    listed[backend] = kept | {name: round(seconds[name], 1) for name in slow}
    FILE.write_text(json.dumps(listed, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
