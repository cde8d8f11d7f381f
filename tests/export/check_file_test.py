"""A file that differs from its model is detected."""

import pathlib

import numpy as np
import pytest

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import ExportError
from keras_rsseg.export.check_file import Difference
from keras_rsseg.export.check_file import check_tiles
from keras_rsseg.export.check_file import compare
from keras_rsseg.export.check_file import describe
from keras_rsseg.export.check_file import refuse_if_far
from keras_rsseg.export.settings import ExportSettings
from keras_rsseg.ops.portable import is_portable
from keras_rsseg.ops.portable import portable_graph
from keras_rsseg.scenes.exported.exported_model import ExportedModel
from tests.scenes.exported.onnx_files import answers
from tests.scenes.exported.onnx_files import make_facts


class Runtime:
    """Returns the model's result, except for an error in one pixel."""

    text = None

    def __init__(self, error=0.0, softmax=False):
        self._error, self._softmax = error, softmax

    def run(self, tiles):
        logits = answers(tiles)
        if self._softmax:
            logits = np.exp(logits)
            logits /= logits.sum(-1, keepdims=True)
        logits[0, 0, 0, 2] += self._error
        return logits


class Model:
    def predict_on_batch(self, tiles):
        return answers(tiles)


def settings(**changes):
    given = {"path": pathlib.Path("m.onnx"), "tile_size": 32}
    return ExportSettings(**{**given, **changes})


def differences(runtime, **facts):
    file = ExportedModel(runtime, make_facts(**facts), "m.onnx")
    tiles = check_tiles(settings(), file.facts)
    return compare(file, Model(), tiles)


def test_equal_answers_pass():
    found = differences(Runtime())
    assert [each.tiles for each in found] == ["random", "picture"]
    assert all(each.largest == 0 and each.mean_iou == 1 for each in found)
    refuse_if_far(found, settings())


def test_probabilities_are_compared_as_such():
    found = differences(Runtime(softmax=True), output="probabilities")
    assert all(each.largest < 1e-6 for each in found)


@pytest.mark.parametrize("error", [0.01, np.nan])
def test_one_pixel_is_enough_to_be_refused(error):
    with pytest.raises(ExportError, match="so it is not kept. random tiles"):
        refuse_if_far(differences(Runtime(error)), settings())


class Undecided(Model):
    """Jumps at one value of the first pixel, as a choice of points does."""

    def predict_on_batch(self, tiles):
        logits = answers(tiles)
        picked = tiles[:, 0, 0, 0] > self.threshold
        logits[picked, 3:5, 3:5] += 0.5
        return logits


def test_tiles_where_the_model_itself_jumps_are_left_out():
    tiles = {"random": np.full((3, 8, 8, 3), 100, "float32")}
    tiles["random"][1] = 120
    model = Undecided()
    # The first and the third tile are just below, and a file picks otherwise.
    model.threshold = np.float32(100.0001)

    class Other(Runtime):
        def run(self, tiles):
            logits = answers(tiles)
            logits[tiles[:, 0, 0, 0] >= 100, 3:5, 3:5] += 0.5
            return logits

    file = ExportedModel(Other(), make_facts(), "m.onnx")
    (found,) = compare(file, model, tiles)
    assert (found.count, found.undecided) == (3, 2)
    assert found.largest < 1e-6 and "2 of 3 tiles left out" in describe(found)
    refuse_if_far([found], settings())
    # But a file that is also wrong elsewhere is detected by the other tile.
    model.threshold = np.float32(150)
    (found,) = compare(file, model, tiles)
    assert found.undecided == 0
    with pytest.raises(ExportError):
        refuse_if_far([found], settings())


class Rounds(Undecided):
    """Picks by scores that are rounded differently in its file."""

    preprocessor = None
    threshold = np.float32(150)

    def for_inference(self):
        return self

    def __call__(self, x, training):
        assert is_portable() and not training
        logits = answers(x)
        logits[np.asarray(x)[:, 0, 0, 0] == 120, 3:5, 3:5] += 0.5
        return logits


def test_tiles_under_another_rounding_of_scores_are_compared_with_that():
    tiles = {"random": np.full((3, 8, 8, 3), 100, "float32")}
    tiles["random"][1] = 120

    class Other(Runtime):
        def run(self, tiles):
            logits = _as_portable(Rounds(), tiles)
            logits[0, 7, 7, 0] += self._error
            return logits

    file = ExportedModel(Other(), make_facts(), "m.onnx")
    (found,) = compare(file, Rounds(), tiles)
    assert (found.rounded, found.undecided) == (1, 0)
    assert found.largest < 1e-6
    assert "1 of 3 tiles compared with the model under" in describe(found)
    refuse_if_far([found], settings())
    # A result that matches neither is detected.
    file = ExportedModel(Other(0.01), make_facts(), "m.onnx")
    (found,) = compare(file, Rounds(), tiles)
    with pytest.raises(ExportError, match="so it is not kept"):
        refuse_if_far([found], settings())


def _as_portable(model, x):
    with portable_graph():
        return model(x, training=False)


def test_nothing_is_known_if_all_tiles_are_left_out():
    left_out = Difference("random", np.nan, 0.99, 0.9, 2, 2)
    with pytest.raises(ExportError, match="m.onnx cannot be checked"):
        refuse_if_far([left_out], settings())
    fine = Difference("picture", 1e-6, 1.0, 1.0, 2, 0)
    refuse_if_far([left_out, fine], settings())


def test_shorter_weights_are_judged_by_classes():
    short = settings(weights="int8")
    refuse_if_far(differences(Runtime(0.01)), short)
    far = [Difference("random", 0.2, 0.9, 0.8)]
    with pytest.raises(ExportError, match="more than 5% of the pixels"):
        refuse_if_far(far, short)


def test_lines_for_a_person():
    line = describe(Difference("random", 2e-6, 0.99991, 0.9998))
    assert line == (
        "random tiles: largest difference 2.0e-06 relative, 99.9910% of "
        "pixels of the same class, mean IoU 0.9998"
    )


def test_tiles_have_the_values_and_bands_of_the_model():
    facts = make_facts(bands=5, value_range=(0, 1))
    for tiles in check_tiles(settings(batch_size=3), facts).values():
        assert tiles.shape == (4, 32, 32, 5) and tiles.dtype == "float32"
        assert tiles.min() >= 0 and 0.5 < tiles.max() <= 1
    bytes_alone = check_tiles(settings(), make_facts())["random"]
    assert (bytes_alone == np.rint(bytes_alone)).all()


def test_an_odd_size_where_any_is_taken_and_the_callers_tiles():
    given = np.zeros((1, 40, 24, 3), "uint8")
    tiles = check_tiles(settings(dynamic=True), make_facts(), given)
    assert tiles["picture of 97 x 71"].shape == (4, 97, 71, 3)
    assert tiles["given"].dtype == "float32"
    with pytest.raises(ArgumentError, match=r"shape \(B, 32, 32, 3\)"):
        check_tiles(settings(), make_facts(), given)
