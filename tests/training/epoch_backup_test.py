"""A training killed at any moment resumes as if it had not been."""

import pathlib

import keras
import numpy as np
import pytest

from keras_rsseg.training.epoch_backup import EpochBackup
from keras_rsseg.training.seeded_epochs import SeededEpochs

EPOCHS = 4


class Killed(BaseException):
    """Nothing must catch it."""


class ListedEpochs(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.begun = []

    def on_epoch_begin(self, epoch, logs=None):
        self.begun.append(epoch)


def fit(folder):
    """Return the started epochs, and the weights after the last."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(4),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.1), "mse")
    tiles = np.random.default_rng(0).normal(size=(8, 2))
    backup, listed = EpochBackup(folder), ListedEpochs()
    model.fit(
        tiles,
        tiles[:, :1],
        initial_epoch=backup.first_epoch,
        epochs=EPOCHS,
        shuffle=False,
        callbacks=[SeededEpochs(1), listed, backup],
        verbose=0,
    )
    return listed.begun, model.get_weights()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    return fit(tmp_path_factory.mktemp("unbroken"))[1]


def assert_same(weights, expected):
    for ours, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("moment", ["save_weights", "replace", "unlink"])
@pytest.mark.parametrize("epoch", [1, 3])
def test_killed_while_it_is_written(
    tmp_path, monkeypatch, unbroken, moment, epoch
):
    calls = []

    def kill(function):
        def call(*args, **options):
            calls.append(moment)
            # The first epoch leaves no file to remove.
            if len(calls) == epoch - (moment == "unlink" and epoch > 1):
                if moment == "save_weights":
                    function(*args, **options)
                    path = pathlib.Path(args[1])
                    data = path.read_bytes()
                    path.write_bytes(data[: len(data) // 2])
                raise Killed
            return function(*args, **options)

        return call

    owner, name = {
        "save_weights": (keras.Model, "save_weights"),
        "replace": ("keras_rsseg.training.epoch_backup", "replace_durably"),
        "unlink": (pathlib.Path, "unlink"),
    }[moment]
    with monkeypatch.context() as killing:
        if isinstance(owner, str):
            from keras_rsseg.training import epoch_backup as owner
        killing.setattr(owner, name, kill(getattr(owner, name)))
        with pytest.raises(Killed):
            fit(tmp_path)
    done = EpochBackup(tmp_path).first_epoch
    begun, weights = fit(tmp_path)
    assert begun == list(range(done, EPOCHS))
    assert_same(weights, unbroken)


def test_what_is_done_is_not_done_again(tmp_path, unbroken):
    assert fit(tmp_path / "new")[0] == [0, 1, 2, 3]
    begun, weights = fit(tmp_path / "new")
    assert begun == []
    assert_same(weights, unbroken)
    # Only that of one epoch.
    names = [path.name for path in (tmp_path / "new").iterdir()]
    assert names == ["epochs_4.weights.h5"]


def test_without_a_folder_it_begins_anew(tmp_path):
    assert EpochBackup(tmp_path / "nowhere").first_epoch == 0
