"""A preset saved on one backend computes the same on the others.

`python -m tests.models.preset_backends_test FOLDER` prints what a preset
computes on the backend of `KERAS_BACKEND`. `embedded_logits.json` holds what
it printed for the default preset on TensorFlow.
"""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.hub.preset_files import sha256
from keras_rsseg.hub.preset_folder import resolve_preset
from tests.models.segmenter_test import make_model
from tests.models.segmenter_tester import for_few_steps

FIXTURE = pathlib.Path(__file__).with_name("embedded_logits.json")
BACKENDS = ("tensorflow", "jax", "torch")


def logits_of(preset):
    """Return the logits of a few pixels of a fixed tile."""
    task = for_few_steps(keras_rsseg.from_preset(preset))
    tile = np.random.default_rng(0).integers(0, 256, (1, 96, 75, 3), "uint8")
    logits = task.predict_on_batch(tile)
    return np.asarray(logits, "float64")[0, ::19, ::17].round(5).tolist()


def test_default_preset_computes_what_it_did_on_tensorflow():
    name = keras_rsseg.DEFAULT_PRESET
    folder, _ = resolve_preset(name)
    expected = json.loads(FIXTURE.read_text())
    assert expected["sha256"] == sha256(folder / "model.weights.h5"), (
        f"the preset has changed: KERAS_BACKEND=tensorflow python -m {__name__}"
        f" {name} > {FIXTURE}"
    )
    np.testing.assert_allclose(
        logits_of(name), expected["logits"], rtol=0, atol=1e-4
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend", [b for b in BACKENDS if b != keras.backend.backend()]
)
def test_saved_here_loaded_there(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    make_model().save_to_preset(tmp_path)
    result = subprocess.run(
        [sys.executable, "-m", __name__, str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": backend},
        cwd=pathlib.Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    there = json.loads(result.stdout.splitlines()[-1])
    assert there["backend"] == backend
    np.testing.assert_allclose(
        there["logits"], logits_of(tmp_path), rtol=0, atol=1e-4
    )


if __name__ == "__main__":
    folder, _ = resolve_preset(sys.argv[1])
    print(
        json.dumps(
            {
                "backend": keras.backend.backend(),
                "sha256": sha256(folder / "model.weights.h5"),
                "logits": logits_of(sys.argv[1]),
            }
        )
    )
