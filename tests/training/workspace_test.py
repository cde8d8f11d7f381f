"""The folder of a training: what a stop leaves there, and its meaning."""

import pytest

from keras_rsseg.training.train import _workspace
from keras_rsseg.training_options import TrainingOptions

KEPT = ("epochs_2.weights.h5", "best.npz", "history.json")


@pytest.fixture
def places(tmp_path):
    """A preset's path, and the folder of its training with files in it."""
    folder = tmp_path / ".roofs.training"
    folder.mkdir()
    for name in (*KEPT, "settings.json", "notes.txt"):
        (folder / name).touch()
    return tmp_path / "roofs", folder


def files(folder):
    return {path.name for path in folder.iterdir()} - {"lock"}


def test_a_stopped_training_goes_on(places):
    output, folder = places
    with pytest.raises(ZeroDivisionError):
        with _workspace(output, TrainingOptions(resume=True)):
            assert files(folder) == {*KEPT, "settings.json", "notes.txt"}
            raise ZeroDivisionError
    assert files(folder) == {*KEPT, "settings.json", "notes.txt"}
    with _workspace(output, TrainingOptions(resume=True)):
        pass
    # Other files stay.
    assert files(folder) == {"notes.txt"}


def test_begun_anew(places):
    output, folder = places
    with _workspace(output, TrainingOptions(overwrite=True)):
        assert files(folder) == {"notes.txt"}


def test_rests_without_settings_are_no_training(places):
    """As after a kill during its removal."""
    output, folder = places
    (folder / "settings.json").unlink()
    with _workspace(output, TrainingOptions(resume=True)):
        assert files(folder) == {"notes.txt"}


def test_rests_beside_a_finished_preset_are_tidied_up(places):
    output, folder = places
    output.mkdir()
    (folder / "settings.json").unlink()
    (folder / "notes.txt").unlink()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        with _workspace(output, TrainingOptions(resume=True)):
            pass
    assert not folder.exists()
