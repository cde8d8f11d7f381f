"""Fresh processes: nothing needs to be imported first, nor TensorFlow."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_rsseg
from tests.encoders.hrnet_encoder_test import TINY
from tests.models.segmenter_tester import make_tiles

BLOCK = """
import sys
sys.modules["tensorflow"] = None  # an import raises ModuleNotFoundError
"""


def run(program, *arguments):
    environment = {**os.environ, "KERAS_BACKEND": keras.backend.backend()}
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def test_a_saved_model_finds_its_classes(tmp_path):
    encoder = keras_rsseg.encoders.HRNetEncoder(**TINY)
    model = keras_rsseg.HRNet(keras_rsseg.models.HRNetBackbone(encoder), 3)
    tiles, _ = make_tiles(1, 16, 16)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "tiles.npy", tiles)
    run(
        """
import sys
import keras, keras_rsseg
import numpy as np
model = keras.saving.load_model(sys.argv[1] + "/model.keras")
logits = model.predict_on_batch(np.load(sys.argv[1] + "/tiles.npy"))
np.save(sys.argv[1] + "/logits.npy", logits)
""",
        tmp_path,
    )
    np.testing.assert_allclose(
        np.load(tmp_path / "logits.npy"),
        model.predict_on_batch(tiles),
        atol=1e-4,
    )


def test_works_without_tensorflow():
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow is the backend")
    output = run(
        BLOCK
        + """
import keras_rsseg
import numpy as np
keras_rsseg.predict_scene, keras_rsseg.PFNet, keras_rsseg.SemanticFPN
encoder = keras_rsseg.encoders.HRNetEncoder(
    4, (1, 1, 1), num_blocks=1, num_bottlenecks=1, bottleneck_filters=8
)
backbone = keras_rsseg.models.HRNetBackbone(encoder)
model = keras_rsseg.HRNet(backbone, num_classes=3)
print(model.predict_on_batch(np.zeros((1, 16, 16, 3), "uint8")).shape)
record = {"image": np.zeros((20, 17, 3), "uint8"), "name": "a"}
record["mask"] = np.ones((20, 17, 1), "uint8")
tiling = keras_rsseg.data.TilingProtocol("tiny", 16, 16)
report = keras_rsseg.evaluate(model, [record], tiling, progress=False)
print(report.scores["scene"].matrix.sum())
from tests.evaluation.scenes import NAMES, TINY, knows, scene
report = keras_rsseg.evaluate(
    knows, [scene()], TINY, class_names=NAMES, progress=False
)
print("known:", report.scores["scene"].mean_iou)
assert sys.modules["tensorflow"] is None
"""
    )
    assert "(1, 16, 16, 3)" in output and "340" in output
    assert "known: 1.0\n" in output
