"""The training script runs as its docstring says, from files to a preset."""

import json

import keras
import numpy as np
import pytest

import keras_rsseg
from examples import fine_tuning
from examples import train_dubai
from examples.networks import SYSTEMS
from examples.networks import build_task
from keras_rsseg.hub.publish import load_checked
from keras_rsseg.hub.publish import read_facts

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not apply to tf.data functions:UserWarning"
)
SMALL = "--steps 2 --batch-size 2 --tile-size 32"


def arguments(scenes, encoder, output, others=SMALL):
    return (
        f"{scenes} --system semantic_fpn --encoder {encoder} --output {output} "
        f"{others}"
    ).split()


@pytest.mark.slow
def test_trains_scores_and_writes_a_preset(scenes, encoder, tmp_path, capsys):
    output = tmp_path / "preset"
    train_dubai.main(arguments(scenes, encoder, output))
    printed = capsys.readouterr().out
    assert "epoch 1/1: loss " in printed and "min left" in printed
    assert "validation mean IoU 0." in printed
    for name in train_dubai.PALETTE.names:
        assert name in printed
    train_dubai.main([str(scenes), "--score", str(output)])
    assert capsys.readouterr().out == printed[printed.index("validation") :]
    with pytest.raises(SystemExit):
        train_dubai.main([str(scenes), "--output", str(output)])
    assert "--encoder" in capsys.readouterr().err
    model = keras_rsseg.SemanticFPN.from_preset(output)
    assert model.class_names == train_dubai.PALETTE.names
    assert model.palette == list(map(tuple, train_dubai.PALETTE.colors))
    assert model.ground_sample_distance == pytest.approx(0.8)
    # What an upload checks.
    load_checked(output)
    facts = read_facts(output)
    assert "SemanticFPN on a ResNet-18" in facts["description"]
    assert facts["ground_sample_distances"] == [0.4, 1.6]
    assert "Seed 1" in facts["training_details"]
    assert "--system semantic_fpn" in facts["training"]
    assert str(tmp_path) not in json.dumps(facts)
    ious = list(facts["score"]["classes"].values())
    assert facts["score"]["mean_iou"] == pytest.approx(np.mean(ious), abs=1e-4)
    assert f"{facts['score']['mean_iou']:.4f}" in printed
    # Half precision, for example, can change the score.
    facts["score"]["mean_iou"] = 0.999
    (output / "card.json").write_text(json.dumps(facts))
    train_dubai.main([str(scenes), "--score", str(output), "--update-card"])
    score = read_facts(output)["score"]["mean_iou"]
    assert score == pytest.approx(np.mean(ious), abs=1e-4)


@pytest.fixture(scope="module")
def tiny_hrnet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hrnet")
    keras_rsseg.encoders.HRNetEncoder(
        width=2,
        stackwise_num_modules=(1, 1, 1),
        num_blocks=1,
        num_bottlenecks=1,
        bottleneck_filters=4,
    ).save_to_preset(folder)
    return folder


@pytest.mark.slow
class TestStopped:
    """A killed run resumes, and ends where it would have."""

    settings = "--steps 3 --batch-size 2 --tile-size 32 --frozen-share 0.4"

    @pytest.fixture(autouse=True)
    def short_epochs(self, monkeypatch):
        """Epochs of one step, without what follows the training."""
        monkeypatch.setattr(fine_tuning, "STEPS_PER_EPOCH", 1)
        monkeypatch.setattr(train_dubai, "evaluate", lambda *_: [])
        monkeypatch.setattr(
            train_dubai.dubai_card, "write_card", lambda *_: None
        )

    @pytest.fixture
    def start(self, scenes, tiny_encoder):
        def start(output, others=self.settings):
            train_dubai.main(arguments(scenes, tiny_encoder, output, others))
            return keras_rsseg.from_preset(output).get_weights()

        return start

    @pytest.fixture
    def expected(self, request, start, tmp_path):
        """Weights of an uninterrupted run, for comparison in all tests."""
        if not hasattr(request.cls, "whole"):
            request.cls.whole = start(tmp_path / "whole")
        return request.cls.whole

    # In the second epoch, and in the third, with frozen statistics.
    @pytest.mark.parametrize("last", [1, 2, 3])
    def test_goes_on(
        self, start, expected, tmp_path, monkeypatch, capsys, last
    ):
        output = tmp_path / "stopped"
        log = fine_tuning.TrainingLog

        class Stopped(log):
            def on_epoch_end(self, epoch, logs=None):
                super().on_epoch_end(epoch, logs)
                if epoch + 1 == last:
                    raise KeyboardInterrupt

        monkeypatch.setattr(fine_tuning, "TrainingLog", Stopped)
        with pytest.raises(KeyboardInterrupt):
            start(output)
        assert not output.exists()
        monkeypatch.setattr(fine_tuning, "TrainingLog", log)
        with pytest.raises(SystemExit, match="other arguments"):
            start(output, self.settings.replace("--steps 3", "--steps 4"))
        capsys.readouterr()
        weights = start(output)
        printed = capsys.readouterr().out
        assert "resuming after" in printed and "epoch 1/3" not in printed
        assert ("epoch 2/3" in printed) == (last == 1)
        assert ("epoch 3/3" in printed) == (last < 3)
        assert not (tmp_path / "stopped.backup").exists()
        for stopped, whole in zip(weights, expected, strict=True):
            np.testing.assert_allclose(stopped, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_keeps_nothing_where_told(scenes, tiny_encoder, tmp_path):
    folder = tmp_path / "preset"
    words = [*arguments(scenes, tiny_encoder, folder), "--no-backup"]
    train_dubai.main(words)
    # Neither beside the preset nor in the folder of the process.
    assert [path.name for path in tmp_path.iterdir()] == ["preset"]
    with pytest.raises(SystemExit):
        train_dubai.parse_arguments([*words, "--backup", str(tmp_path)])


@pytest.mark.parametrize("system", ["hrnet_ifwm", "pfnet_hrnet_ifwm"])
def test_systems_of_the_second_paper(system, tiny_hrnet):
    model = build_task(system, train_dubai.FACTS, tiny_hrnet)
    assert type(model).__name__ == SYSTEMS[system].task
    assert model.backbone.image_encoder.fusion == "ifwm"
    if system == "pfnet_hrnet_ifwm":
        assert model.backbone.get_config()["fpn_dim"] == 128
    logits = model(keras.ops.zeros((1, 32, 32, 3)))
    assert logits.shape == (1, 32, 32, 5)


def test_every_part_is_either_trained_on_or_validated(scenes):
    training = train_dubai.files(scenes, train_dubai.TRAINING_PARTS)
    validation = train_dubai.files(scenes, train_dubai.VALIDATION_PARTS)
    assert len(training[0]) == 36 and len(validation[0]) == 18
    assert not set(training[0]) & set(validation[0])
    assert all(
        path.exists()
        for pair in (training, validation)
        for path in [*pair[0], *pair[1]]
    )
