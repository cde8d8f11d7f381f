"""Scores of three places are those of the maps, and go to one file."""

import json

import keras
import numpy as np
import pytest

import keras_rsseg
from examples import score_land_cover
from keras_rsseg.datasets.dubai import FACTS

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not apply to tf.data functions:UserWarning"
)


class Brightness(keras.Model):
    """A network that knows how the small data were drawn.

    Args:
        swapped: whether it takes the first class for the second, and back.
    """

    num_classes = FACTS.num_classes
    input_shape = (None, None, None, 3)

    def __init__(self, swapped=False):
        super().__init__()
        self.order = [1, 0, 2, 3, 4] if swapped else [0, 1, 2, 3, 4]

    def compile(self, **options):
        def nothing(masks, logits):
            return 0.0 * keras.ops.mean(logits)

        super().compile(loss=nothing, **options)

    def call(self, images):
        levels = keras.ops.mean(keras.ops.cast(images, "float32"), -1) - 5
        ids = keras.ops.cast(keras.ops.convert_to_tensor(self.order), "float32")
        return -((levels[..., None] / 50 - ids) ** 2)


@pytest.fixture
def distances(monkeypatch):
    """Fewer readings: the code is the same for each."""
    monkeypatch.setattr(score_land_cover, "KAMPALA_DISTANCES", (0.4, 1.0))


def test_a_perfect_map_scores_one_everywhere(places, distances, capsys):
    scores = score_land_cover.score_places(Brightness(), places)
    assert list(scores) == ["dubai", "ohio_naip", "kampala"]
    for name in ("dubai", "ohio_naip"):
        assert tuple(scores[name]) == FACTS.class_names
        assert min(scores[name].values()) > 0.98
    assert list(scores["kampala"]) == ["0.4 m", "1 m"]
    for reading in scores["kampala"].values():
        assert reading["precision"] > 0.9 and reading["recall"] > 0.9
        either = 1 / reading["precision"] + 1 / reading["recall"] - 1
        assert reading["iou"] == pytest.approx(1 / either)
    printed = capsys.readouterr().out
    assert "dubai mean IoU 0.9" in printed or "dubai mean IoU 1." in printed
    assert "mean of both" in printed and "kampala 0.4 m" in printed


def test_classes_that_are_mixed_up(places, distances):
    scores = score_land_cover.score_places(Brightness(swapped=True), places)
    for name in ("dubai", "ohio_naip"):
        ious = list(scores[name].values())
        assert max(ious[:2]) < 0.02 and min(ious[2:]) > 0.98
    for reading in scores["kampala"].values():
        assert max(reading.values()) < 0.1


def test_no_building_at_all_is_nought_and_no_error(places, distances):
    model = Brightness()
    model.order = [100, 1, 2, 3, 4]
    scores = score_land_cover.score_kampala(model, places)
    assert list(scores["1 m"].values()) == [0, 0, 0]


def test_what_is_chosen_by_leaves_kampala_out(places, tmp_path, capsys):
    # Data for training only.
    for name in ("dubai", "ohio_naip"):
        (tmp_path / name).symlink_to(places / name)
    scores = score_land_cover.score_places(Brightness(), tmp_path)
    assert list(scores) == ["dubai", "ohio_naip"]
    printed = capsys.readouterr().out
    assert "not scored" in printed
    mean = np.mean([list(place.values()) for place in scores.values()])
    assert f"mean of both {mean:.4f}" in printed


def test_all_presets_go_to_one_file(tmp_path, monkeypatch):
    scores = {"good": {"dubai": {"road": 0.5}}, "a/bad/": {"dubai": {}}}
    monkeypatch.setattr(keras_rsseg, "from_preset", scores.get)
    monkeypatch.setattr(
        score_land_cover, "score_places", lambda model, root: model
    )
    path = tmp_path / "scores.json"
    found = score_land_cover.main(["data", *scores, "--json", str(path)])
    assert json.loads(path.read_text()) == found == scores


def test_a_folder_without_tiles_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no tiles in .*ohio_naip"):
        score_land_cover.ohio_files(tmp_path, "validate")
