"""A training that the system kills goes on to the same weights."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import keras_rsseg
from tests.training.training_files import write_preset
from tests.training.training_files import write_roofs

pytest.importorskip("matplotlib")
ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = """
import sys
import keras_rsseg
from tests.models import tiny_encoder
from tests.training.training_files import QUICK

images, masks, preset, output = sys.argv[1:]
keras_rsseg.train(
    images, masks, output, preset=preset, resume=True,
    **{**QUICK, "epochs": 6, "steps_per_epoch": 5},
)
"""


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.mark.slow
def test_kill_9(tmp_path):
    images, masks = write_roofs(tmp_path / "roofs", distance=0.5)
    preset = write_preset(tmp_path / "start")
    whole = start(images, masks, preset, tmp_path / "whole")
    assert whole.wait() == 0, whole.stderr.read()

    kills, random = 0, np.random.default_rng(0)
    folder = tmp_path / ".killed.training"
    while True:
        process = start(images, masks, preset, tmp_path / "killed")
        # At some moment after an epoch or two, as often as it takes.
        before = set(folder.glob("epochs_*")) if folder.exists() else set()
        while process.poll() is None:
            found = set(folder.glob("epochs_*")) if folder.exists() else set()
            if found - before:
                break
            time.sleep(0.02)
        time.sleep(random.uniform(0, 0.3))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    assert process.returncode == 0, process.stderr.read()
    assert kills > 1
    weights = [
        keras_rsseg.from_preset(tmp_path / name).get_weights()
        for name in ("whole", "killed")
    ]
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
