"""Scores of several replicas are those of all tiles, exactly."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def report():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf.distribute is of TensorFlow")
    done = subprocess.run(
        [sys.executable, "-m", "tests.metrics.two_replicas"],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_counts_are_those_of_all_replicas(report):
    assert report["replicas"] == 2
    assert report["matrix"] == report["expected_matrix"]
    assert np.sum(report["matrix"]) == 6 * 10 * 12


def test_scores_are_not_means_of_replicas(report):
    assert set(report["found"]) == set(report["expected"])
    assert len(report["found"]) == 7
    for name, expected in report["expected"].items():
        np.testing.assert_allclose(report["found"][name], expected, rtol=1e-6)


def test_a_direct_update_that_would_lose_counts_is_refused(report):
    for message in report["direct"]:
        assert "strategy.run" in message


def test_an_annealed_loss_advances_on_all_replicas(report):
    # Three steps per epoch; the weight falls over four.
    np.testing.assert_allclose(report["annealed"]["annealing"], [0.5, 0.0])
    assert np.isfinite(report["annealed"]["loss"]).all()
