"""Training on two devices scores like training on one, with each engine."""

import json
import os
import subprocess
import sys

import keras
import pytest

from examples.distribution import distributed

_TWO_DEVICES = """
import json
import pathlib
import sys

import keras
import numpy as np

backend = keras.backend.backend()
if backend == "tensorflow":
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
import keras_rsseg
"""

_SCORES = """
from examples.distribution import distributed
from tests.models.tiny_encoder import TinyEncoder

rng = np.random.default_rng(0)
masks = rng.integers(0, 3, (8, 4, 4)).repeat(8, 1).repeat(8, 2)
masks[0, :5] = 255
masks[1:3] = 255
tiles = np.repeat(masks[..., None] * 80 % 256, 3, -1).astype("uint8")


def make_model():
    keras.utils.set_random_seed(0)
    backbone = keras_rsseg.models.SemanticFPNBackbone(
        TinyEncoder(), fpn_dim=8, context=None
    )
    model = keras_rsseg.SemanticFPN(backbone, num_classes=3)
    score = keras_rsseg.metrics.MeanIoU(3)
    model.compile(optimizer=keras.optimizers.Adam(0.01), metrics=[score])
    return model


def count(model):
    loss, _ = model.evaluate(tiles, masks, batch_size=4, verbose=0)
    return loss, model.metrics[-1].metrics[0].confusion_matrix().tolist()


_, alone = count(make_model())
with distributed():
    model = make_model()
    before, several = count(model)
    model.fit(tiles, masks, batch_size=4, epochs=15, verbose=0)
    after, _ = count(model)
    variable = model.trainable_variables[0].value
    copies = (
        len(variable.devices())
        if backend == "jax"
        else len(getattr(variable, "values", [variable]))
    )
print(json.dumps([alone, several, before, after, copies]))
"""

_RECIPE = """
from examples import networks, recipe, train_hrnet_ifwm_whu as script
from tests.datasets import make_whu_building
from tests.datasets.builder_tester import split_sizes

recipe.LIMIT_TILE_SIZE = 32
networks._WITHOUT_WEIGHTS["HRNetEncoder"] = {
    "width": 2,
    "stackwise_num_modules": (1, 1, 1),
    "num_blocks": 1,
    "num_bottlenecks": 1,
}
folder = pathlib.Path(sys.argv[1])
make_whu_building.make(folder / "whu_building")
arguments = ["--manual-dir", sys.argv[1], "--data-dir", sys.argv[1] + "/data"]
arguments += ["--output", sys.argv[1] + "/output", "--limit", "1"]
with split_sizes("whu_building", {"train": 3, "validation": 1, "test": 2}):
    report = recipe.main(
        script.RECIPE, script.__doc__, [*arguments, "--distribute"]
    )
print(json.dumps([report.num_tiles, len(report.scores["patch"].iou)]))
"""


def _run(program, *arguments):
    """Return the last output of a program that is run with two devices."""
    pytest.importorskip("tensorflow")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2 "
        "--xla_backend_optimization_level=0 "
        "--xla_cpu_use_fusion_emitters=false",
        "CUDA_VISIBLE_DEVICES": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", _TWO_DEVICES + program, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


has_an_engine = pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch has no such engine"
)


@pytest.mark.slow
@has_an_engine
def test_two_devices_count_and_learn_as_one():
    alone, several, before, after, copies = _run(_SCORES)
    assert copies == 2
    assert sum(map(sum, several)) == 6 * 32 * 32 - 5 * 32
    assert several == alone
    assert after < 0.7 * before


@pytest.mark.slow
@has_an_engine
def test_a_recipe_trains_on_two_devices(tmp_path):
    """One validation tile: fewer than devices."""
    assert _run(_RECIPE, tmp_path) == [1, 2]


def test_refuses_a_backend_without_an_engine(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    with pytest.raises(ValueError, match="tensorflow or jax. Received: torch"):
        with distributed():
            pass
    with distributed(False):
        pass
