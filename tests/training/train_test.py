"""`keras_rsseg.train`: from images and masks to a preset with its report."""

import importlib
import json
import shutil

import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import DatasetError
from keras_rsseg.hub.facts import read_card
from keras_rsseg.sample_checks import SampleWarning
from keras_rsseg.training import training_history
from keras_rsseg.training.training_settings import read_config
from keras_rsseg.work_folder import WorkFolder
from tests.training.training_files import CLASSES
from tests.training.training_files import QUICK
from tests.training.training_files import roofs
from tests.training.training_files import write_preset
from tests.training.training_files import write_roofs

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    return write_preset(tmp_path_factory.mktemp("preset") / "start")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return write_roofs(tmp_path_factory.mktemp("roofs"), distance=0.5)


@pytest.fixture(scope="module")
def trained(preset, folders, tmp_path_factory):
    """The result of a training of a few seconds."""
    output = tmp_path_factory.mktemp("trained") / "roofs"
    return keras_rsseg.train(*folders, output, preset=preset, **QUICK)


class TestWhatItBrings:
    def test_a_preset_that_maps(self, trained, folders, tmp_path):
        model = keras_rsseg.from_preset(trained.preset)
        assert model.class_names == CLASSES
        assert model.ground_sample_distance == pytest.approx(0.5, 1e-2)
        scene = sorted(folders[0].iterdir())[0]
        keras_rsseg.predict_scene(
            model, scene, tmp_path / "map.tif", tile_size=32, progress=False
        )
        found = keras_rsseg.data.read_mask(tmp_path / "map.tif")
        assert set(np.unique(found)) <= {0, 1}

    def test_it_learned(self, trained):
        assert trained.report.scores["scene"].mean_iou > 0.6
        losses = [epoch["loss"] for epoch in trained.history]
        assert len(losses) == 2 and losses[-1] < losses[0]

    def test_the_best_epoch_is_kept(self, trained):
        scores = [epoch["val_mean_iou"] for epoch in trained.history]
        assert trained.best_epoch == 1 + int(np.argmax(scores))

    def test_a_report_with_pictures(self, trained):
        names = {path.name for path in trained.report_folder.iterdir()}
        assert names >= {
            "report.md",
            "report.json",
            "confusion_matrix.png",
            "learning_curve.png",
        }
        assert trained.report_folder.name == "roofs_report"

    def test_a_card_that_can_be_published(self, trained):
        card = read_card(trained.preset)
        score = trained.report.scores["scene"].mean_iou
        assert card["score"]["mean_iou"] == pytest.approx(score, abs=1e-4)
        assert card["protocol"].startswith("Held out: 1 of 5 images")

    def test_options_that_repeat_it(self, trained, folders, preset):
        config = read_config(trained.preset / "training.yaml")
        assert config["images"] == str(folders[0])
        assert config["preset"] == str(preset)
        assert config["classes"] == CLASSES and config["tile_size"] == 32
        assert "validation" not in config  # the default

    def test_the_command_that_maps(self, trained, folders):
        words = trained.predict_command.split()
        assert words[:2] == ["keras-rsseg", "predict"]
        assert words[3:5] == ["--preset", str(trained.preset)]

    def test_nothing_else_is_left(self, trained):
        names = {path.name for path in trained.preset.parent.iterdir()}
        assert names == {"roofs", "roofs_report"}


class TestStopped:
    """A stopped training resumes to the weights of an uninterrupted one."""

    class Killed(BaseException):
        pass

    def stop(self, monkeypatch, folders, output, preset, step):
        """Train until the given call, then exit."""
        owner, name, number = step
        calls, function = [], getattr(owner, name)

        def kill(*args, **options):
            calls.append(name)
            if len(calls) == number:
                raise self.Killed
            return function(*args, **options)

        with monkeypatch.context() as killing:
            killing.setattr(owner, name, kill)
            with pytest.raises(self.Killed):
                keras_rsseg.train(*folders, output, preset=preset, **QUICK)

    @pytest.mark.parametrize(
        "step",
        [
            ("best_epoch", "write_durably", 1),
            ("training_history", "write_durably", 2),
            ("epoch_backup", "replace_durably", 2),
            ("train", "write_training_card", 1),
        ],
        ids=lambda step: step[0],
    )
    def test_goes_on(
        self, monkeypatch, folders, preset, trained, tmp_path, step
    ):
        module = importlib.import_module(f"keras_rsseg.training.{step[0]}")
        output = tmp_path / "roofs"
        self.stop(monkeypatch, folders, output, preset, (module, *step[1:]))
        with pytest.raises(FileExistsError, match="`resume=True`"):
            keras_rsseg.train(
                *folders, tmp_path / "roofs", preset=preset, **QUICK
            )
        result = keras_rsseg.train(
            *folders, output, preset=preset, resume=True, **QUICK
        )
        assert result.best_epoch == trained.best_epoch
        ours = keras_rsseg.from_preset(output).get_weights()
        theirs = keras_rsseg.from_preset(trained.preset).get_weights()
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
        assert not (tmp_path / ".roofs.training").exists()

    def test_not_with_other_options(
        self, monkeypatch, folders, preset, tmp_path
    ):
        output = tmp_path / "roofs"
        step = (training_history, "write_durably", 2)
        self.stop(monkeypatch, folders, output, preset, step)
        others = {**QUICK, "seed": 2, "epochs": 1}
        with pytest.raises(ArgumentError, match="epochs, seed"):
            keras_rsseg.train(
                *folders, output, preset=preset, resume=True, **others
            )
        keras_rsseg.train(
            *folders, output, preset=preset, overwrite=True, **others
        )


class TestRefused:
    def test_what_check_finds_wrong(self, folders, preset, tmp_path):
        images, masks = tmp_path / "images", tmp_path / "masks"
        shutil.copytree(folders[0], images)
        shutil.copytree(folders[1], masks)
        (masks / "3.tif").unlink()
        with pytest.raises(DatasetError, match="Missing masks: 3"):
            keras_rsseg.train(
                images, masks, tmp_path / "out", preset=preset, **QUICK
            )
        assert not (tmp_path / "out").exists()
        assert not (tmp_path / ".out.training").exists()

    def test_labels_of_a_single_class(self, folders, preset, tmp_path):
        images = np.zeros((5, 64, 64, 3), "uint8")
        masks = np.full((5, 64, 64), 255, "uint8")
        masks[:, :9] = 1
        with pytest.raises(DatasetError, match="of class 1.*nothing else"):
            keras_rsseg.train(
                images, masks, tmp_path / "out", preset=preset, **QUICK
            )
        assert not (tmp_path / "out").exists()

    def test_a_preset_that_is_there(self, folders, preset, trained):
        before = (trained.preset / "model.weights.h5").read_bytes()
        with pytest.raises(FileExistsError, match="overwrite=True"):
            keras_rsseg.train(*folders, trained.preset, preset=preset, **QUICK)
        after = (trained.preset / "model.weights.h5").read_bytes()
        assert after == before

    def test_two_at_once(self, folders, preset, tmp_path):
        output = tmp_path / "roofs"
        other = WorkFolder(tmp_path / ".roofs.training", output, "")
        other.acquire()
        with pytest.raises(RuntimeError, match="Another run"):
            keras_rsseg.train(*folders, output, preset=preset, **QUICK)
        other.release()

    def test_a_loss_that_is_no_number(self, folders, preset, tmp_path):
        options = {**QUICK, "learning_rate": 1e30}
        with pytest.raises(ArgumentError, match="`learning_rate`"):
            keras_rsseg.train(
                *folders, tmp_path / "roofs", preset=preset, **options
            )


class TestOtherImages:
    def train(self, images, masks, output, **options):
        return keras_rsseg.train(
            images, masks, output, **{**QUICK, "limit": 1, **options}
        )

    def test_four_bands_of_16_bits(self, preset, tmp_path):
        images, masks = roofs(5)
        images = np.concatenate([images, images[..., :1]], -1) * np.uint16(40)
        result = self.train(
            images,
            masks,
            tmp_path / "roofs",
            preset=preset,
            band_names=["red", "green", "blue", "nir"],
        )
        model = keras_rsseg.from_preset(result.preset)
        assert model.bands == ("red", "green", "blue", "nir")
        assert model.value_range[1] > 255

    def test_images_to_validate_with(self, preset, tmp_path):
        images, masks = roofs(3)
        others, other_masks = roofs(1, seed=1)
        result = self.train(
            images,
            masks,
            tmp_path / "roofs",
            preset=preset,
            validation_images=others,
            validation_masks=other_masks,
        )
        card = json.loads((result.preset / "card.json").read_text())
        assert "1 separate images" in card["protocol"]

    def test_the_presets_own_classes_keep_their_head(
        self, preset, tmp_path, caplog
    ):
        images, masks = roofs(5)
        with pytest.warns(SampleWarning, match="no pixel of 3 of 5 classes"):
            self.train(
                images, masks, tmp_path / "roofs", preset=preset, classes=None
            )
        assert "random one" not in caplog.text
