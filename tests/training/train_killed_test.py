"""A training killed by the system resumes to the same weights."""

import importlib.util
import multiprocessing
import os
import time

import numpy as np
import pytest

import keras_rsseg
from tests.training.training_files import write_preset
from tests.training.training_files import write_roofs

for package in ("matplotlib", "tensorflow"):
    pytest.importorskip(package)
pytestmark = pytest.mark.slow

# More of either kind can be tried by hand; these take two minutes.
KILLS = int(os.environ.get("KERAS_RSSEG_KILLS", "6"))


@pytest.fixture(scope="module")
def forks():
    """A process server with everything imported, so that forks are quick."""
    with pytest.MonkeyPatch.context() as patch:
        if importlib.util.find_spec("torch") is not None:
            # The backend whose first step is the quickest.
            patch.setenv("KERAS_BACKEND", "torch")
        patch.setenv("OMP_NUM_THREADS", "1")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.training.killed_child"])
        yield context


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return (
        *write_roofs(folder / "roofs", distance=0.5),
        write_preset(folder / "start"),
    )


def start(forks, data, output, *more):
    # Only the processes of the server know the backend.
    from tests.training import killed_child

    process = forks.Process(
        target=killed_child.train, args=(*data, output, *more)
    )
    process.start()
    return process


def run(forks, data, output, *more):
    process = start(forks, data, output, *more)
    process.join()
    return process.exitcode


def weights(preset):
    return keras_rsseg.from_preset(preset).get_weights()


def names(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def whole(forks, data, tmp_path_factory):
    """An uninterrupted training: its folder, changes and seconds."""
    folder = tmp_path_factory.mktemp("whole")
    tell = tmp_path_factory.mktemp("told") / "changes"
    begin = time.perf_counter()
    assert run(forks, data, folder / "roofs", None, tell) == 0
    return folder, int(tell.read_text()), time.perf_counter() - begin


def finish_and_compare(forks, data, output, whole):
    code = run(forks, data, output)
    # Killed while it tidied up, it has nothing left to do.
    assert code == 0 or (output / "card.json").exists()
    for ours, theirs in zip(
        weights(output), weights(whole / "roofs"), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert names(output.parent) == names(whole)


def test_at_changes_of_files(forks, data, whole, tmp_path):
    folder, changes, _ = whole
    random = np.random.default_rng(0)
    for index in range(KILLS):
        output = tmp_path / str(index) / "roofs"
        output.parent.mkdir()
        # The second kill meets the remains of the first.
        for _ in range(random.integers(1, 3)):
            moment = int(random.integers(1, changes + 1))
            assert run(forks, data, output, moment) in (-9, 0, 1)
        finish_and_compare(forks, data, output, folder)


def test_at_any_time(forks, data, whole, tmp_path):
    folder, _, seconds = whole
    random = np.random.default_rng(1)
    for index in range(KILLS):
        output = tmp_path / str(index) / "roofs"
        output.parent.mkdir()
        process = start(forks, data, output)
        process.join(random.uniform(0, seconds))
        process.kill()
        process.join()
        finish_and_compare(forks, data, output, folder)
