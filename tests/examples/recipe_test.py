"""The papers' recipes run as their docstrings say, and resume."""

import csv
import dataclasses
import importlib

import keras
import numpy as np
import pytest

pytest.importorskip("tensorflow_datasets")

import keras_rsseg  # noqa: E402
from examples import networks  # noqa: E402
from examples import recipe as recipes  # noqa: E402
from keras_rsseg.training.epoch_backup import EpochBackup  # noqa: E402
from tests.datasets import make_isaid  # noqa: E402
from tests.datasets import make_potsdam  # noqa: E402
from tests.datasets import make_vaihingen  # noqa: E402
from tests.datasets import make_whu_building  # noqa: E402
from tests.datasets.builder_tester import split_sizes  # noqa: E402
from tests.models.tiny_encoder import TinyEncoder  # noqa: E402

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not apply to tf.data functions:UserWarning"
)

SCRIPTS = {
    "train_pfnet_isaid": (make_isaid, {"train": 3, "validation": 2}),
    "train_pfnet_vaihingen": (make_vaihingen, None),
    "train_pfnet_potsdam": (make_potsdam, None),
    "train_hrnet_ifwm_vaihingen": (make_vaihingen, None),
    "train_hrnet_ifwm_whu": (
        make_whu_building,
        {"train": 3, "validation": 1, "test": 2},
    ),
}


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    """Tiny encoders; the scripts' own arguments still reach them."""
    monkeypatch.setattr(recipes, "LIMIT_TILE_SIZE", 32)
    small = {
        "ResNetEncoder": {},
        "HRNetEncoder": {
            "width": 2,
            "stackwise_num_modules": (1, 1, 1),
            "num_blocks": 1,
            "num_bottlenecks": 1,
        },
    }
    monkeypatch.setattr(networks, "_WITHOUT_WEIGHTS", small)
    monkeypatch.setattr(keras_rsseg.encoders, "ResNetEncoder", TinyEncoder)


def _arguments(tmp_path, *more):
    return [
        *("--manual-dir", str(tmp_path)),
        *("--data-dir", str(tmp_path / "records")),
        *("--output", str(tmp_path / "output")),
        *("--limit", "1", *more),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_trains_scores_and_writes_a_preset(script, tmp_path):
    module = importlib.import_module(f"examples.{script}")
    name = module.RECIPE.dataset.partition("/")[0]
    maker, sizes = SCRIPTS[script]
    maker.make(tmp_path / name)
    arguments = _arguments(tmp_path)
    with split_sizes(name, sizes):
        report = recipes.main(module.RECIPE, module.__doc__, arguments)
    facts = keras_rsseg.datasets.facts(name)
    assert 0 <= report.scores["patch"].pixel_accuracy <= 1
    assert len(report.scores["scene"].iou) == facts.num_classes
    model = keras_rsseg.from_preset(tmp_path / "output")
    system = networks.SYSTEMS[module.RECIPE.system]
    assert type(model).__name__ == system.task
    assert tuple(model.class_names) == facts.class_names
    assert model.ground_sample_distance == facts.ground_sample_distance
    assert tuple(model.bands) == facts.bands
    assert (tmp_path / "output.training" / "scores" / "report.json").exists()
    log = (tmp_path / "output.training" / "log.csv").read_text()
    (epoch,) = csv.DictReader(log.splitlines())
    assert float(epoch["learning_rate"]) > 0
    fusion = system.encoder_options.get("fusion", "bilinear")
    assert ("ifwm" in script) == (fusion == "ifwm")
    assert getattr(model.backbone.image_encoder, "fusion", fusion) == fusion


def test_baselines_are_trained_by_the_same_recipe(tmp_path, capsys):
    recipe = importlib.import_module("examples.train_hrnet_ifwm_whu").RECIPE

    def parse(*more):
        arguments = _arguments(tmp_path, *more)
        return recipes.parse_arguments("", recipe, arguments)

    assert recipes._as_told(recipe, parse()) == dataclasses.replace(
        recipes._as_told(recipe, parse("--system", "hrnet")),
        system="hrnet_ifwm",
    )
    with pytest.raises(SystemExit):
        # Another encoder: the recipe says nothing about it.
        parse("--system", "semantic_fpn")
    assert "pfnet_hrnet_ifwm" in capsys.readouterr().err


def test_the_released_schedule_ends_at_zero_the_exponential_does_not():
    poly = recipes.Recipe("a", "b", "pfnet", "isaid", "isaid", 16, 16, 0.007)
    rate = recipes.learning_rate_of(poly)
    assert rate(0) == pytest.approx(0.006605, abs=1e-6)
    assert rate(15) == 0.0
    exponential = dataclasses.replace(poly, schedule="exponential")
    rate = recipes.learning_rate_of(exponential)
    assert [rate(0), rate(2)] == pytest.approx([0.007, 0.007 * 0.81])


@pytest.mark.slow
def test_a_stopped_run_ends_as_one_that_was_not(tmp_path, monkeypatch):
    make_isaid.make(tmp_path / "isaid")
    script = importlib.import_module("examples.train_pfnet_isaid")
    monkeypatch.setattr(recipes, "build_task", _tiny_task)

    def run(folder):
        arguments = _arguments(tmp_path, "--epochs", "3", "--shuffle", "4")
        arguments[arguments.index("--output") + 1] = str(tmp_path / folder)
        with split_sizes("isaid", {"train": 3, "validation": 2}):
            recipes.main(script.RECIPE, script.__doc__, arguments)
        model = keras_rsseg.from_preset(tmp_path / folder)
        return model.get_weights(), (
            tmp_path / f"{folder}.training" / "log.csv"
        ).read_text()

    class Stops(keras.callbacks.CSVLogger):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.csv_file.close()
                raise KeyboardInterrupt

    expected, log = run("whole")
    with monkeypatch.context() as stopping:
        stopping.setattr(keras.callbacks, "CSVLogger", Stops)
        with pytest.raises(KeyboardInterrupt):
            run("stopped")
    backup = EpochBackup(tmp_path / "stopped.training" / "backup")
    assert backup.first_epoch == 2
    weights, resumed_log = run("stopped")
    assert not (tmp_path / "stopped.training" / "backup").exists()
    assert resumed_log == log
    for ours, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def _tiny_task(system, facts, encoder, encoder_options):
    del system, encoder, encoder_options
    backbone = keras_rsseg.models.SemanticFPNBackbone(
        TinyEncoder(), fpn_dim=8, context=None
    )
    return keras_rsseg.SemanticFPN(backbone, num_classes=facts.num_classes)
