"""A last batch that two replicas cannot share is filled, and nothing lost."""

import json
import os
import subprocess
import sys

import keras
import pytest

_SCRIPT = """
import json

import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
import keras

from tests.models.segmenter_test import make_model
from tests.models.segmenter_tester import make_tiles

tiles, masks = make_tiles(3, 16, 16)


def score():
    keras.utils.set_random_seed(0)
    model = make_model()
    found = model.evaluate(
        tiles, masks, batch_size=2, verbose=0, return_dict=True
    )
    counts = model.metrics[-1].metrics[0].confusion_matrix().tolist()
    history = model.fit(tiles, masks, 2, verbose=0).history
    finite = all(np.isfinite(w).all() for w in model.get_weights())
    return counts, history["loss"][0], finite


alone = score()
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    together = score()
print(json.dumps([alone, together]))
"""


@pytest.mark.slow
def test_a_last_batch_of_one_on_two_replicas():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf.distribute is TensorFlow's")
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    alone, together = json.loads(done.stdout.strip().splitlines()[-1])
    # Every pixel counts once, and void not at all.
    assert together[0] == alone[0]
    assert together[2] and together[1] == together[1]
