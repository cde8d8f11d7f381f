"""The default presets' training runs as its docstring says, on both places."""

import functools
import json

import numpy as np
import pytest

import keras_rsseg
from examples import fine_tuning
from examples import score_land_cover
from examples import train_land_cover
from keras_rsseg.datasets import ohio_naip
from keras_rsseg.datasets.dubai import FACTS
from keras_rsseg.hub.publish import read_facts
from keras_rsseg.void import VOID
from tests.examples.train_dubai_test import arguments

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not apply to tf.data functions:UserWarning"
)
SMALL = "--steps 2 --batch-size 2 --tile-size 32"
BUILDING, LAND = (FACTS.class_names.index(n) for n in ("building", "land"))
# Omitted, so that an image's brightness tells its mask.
NOTHING = "--without color_transfer " + " ".join(train_land_cover.AUGMENTATION)


def tiles_of(places, others):
    """Return tiles for `fine_tuning.train()`, in batches of 8."""
    words = f"{places} --encoder x --output y --batch-size 8 --tile-size 32"
    args = train_land_cover.parse_arguments(f"{words} {others}".split())
    return train_land_cover.training_tiles(args)


@functools.cache
def batch(places, labels):
    """Return the first batch: half from Dubai, half from Ohio."""
    tiles = tiles_of(places, f"--labels {labels} {NOTHING}")(0, 4)
    return [part.numpy() for part in next(iter(tiles))]


@pytest.mark.slow
class TestLabels:
    """Dubai's masks are treated, and Ohio's unchanged."""

    def test_as_drawn(self, places):
        images, masks = batch(places, "as_drawn")
        assert images.shape == (8, 32, 32, 3) and images.dtype == "uint8"
        known = masks != VOID
        ids = np.rint(images.mean(axis=-1) / 50 - 0.05)
        assert (ids == masks)[known].mean() > 0.95
        assert known[:4].all() and not known[4:].all()

    def test_half_weight(self, places):
        expected = batch(places, "as_drawn")
        images, masks, weights = batch(places, "half_weight")
        np.testing.assert_array_equal(images, expected[0])
        np.testing.assert_array_equal(masks, expected[1])
        loose = np.isin(masks, (BUILDING, LAND))
        assert (weights[:4][loose[:4]] == 0.5).all()
        assert (weights[:4][~loose[:4]] == 1).all()
        assert (weights[4:] == (masks[4:] != VOID)).all()
        assert loose[4:].any()

    def test_void_border(self, places):
        _, expected = batch(places, "as_drawn")
        _, masks = batch(places, "void_border")
        np.testing.assert_array_equal(masks[4:], expected[4:])
        lost = masks[:4] != expected[:4]
        assert lost.any() and (masks[:4][lost] == VOID).all()
        assert np.isin(expected[:4][lost], (BUILDING, LAND)).all()
        # Between a building and land nothing is left.
        loose = [masks[:4] == BUILDING, masks[:4] == LAND]
        assert not (loose[0][:, 1:] & loose[1][:, :-1]).any()


class TestWithout:
    """Changes of the tiles can be omitted one by one."""

    @pytest.fixture
    def given(self, monkeypatch):
        given = []

        class Recorded(train_land_cover.Augmentation):
            def __init__(self, **options):
                given.append(options)
                super().__init__(**options)

        monkeypatch.setattr(train_land_cover, "Augmentation", Recorded)
        return given

    def test_some(self, places, given):
        tiles_of(places, "--without jpeg color_transfer")
        expected = {**train_land_cover.AUGMENTATION, "color_transfer": None}
        del expected["jpeg"]
        assert given == [expected, expected]

    def test_none(self, places, given):
        tiles_of(places, "")
        dubai, ohio = (options.pop("color_transfer") for options in given)
        assert given == 2 * [train_land_cover.AUGMENTATION]
        assert dubai is not None and ohio is not None and dubai is not ohio

    def test_a_slip(self, places, capsys):
        with pytest.raises(SystemExit):
            tiles_of(places, "--without jpg")
        assert "invalid choice: 'jpg'" in capsys.readouterr().err


def test_half_of_a_batch_needs_an_even_number(places, capsys):
    with pytest.raises(SystemExit):
        tiles_of(places, "--batch-size 3")
    assert "must be even" in capsys.readouterr().err


@pytest.mark.slow
def test_trains_scores_and_writes_a_preset(
    places, tiny_encoder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(score_land_cover, "KAMPALA_DISTANCES", (1.0,))
    output = tmp_path / "tiny_land_cover"
    others = f"{SMALL} --labels void_border --without jpeg scale"
    train_land_cover.main(arguments(places, tiny_encoder, output, others))
    assert not (tmp_path / f"{output.name}.backup").exists()
    scores = json.loads((tmp_path / f"{output.name}.scores.json").read_text())
    model = keras_rsseg.SemanticFPN.from_preset(output)
    assert model.class_names == list(FACTS.class_names)
    assert model.display_palette == list(FACTS.display_palette)
    facts = read_facts(output)
    assert str(tmp_path) not in json.dumps(facts)
    check_scores(facts, scores)
    check_command(facts)
    check_sources(facts)
    monkeypatch.setattr(
        score_land_cover, "score_places", lambda model, root: scores
    )
    again = [str(places), "--score", str(output), "--update-card"]
    check_scored_again(again, output, facts)
    # For a training that wrote no card.
    (output / "card.json").unlink()
    with pytest.raises(SystemExit):
        train_land_cover.main(again)
    assert "has no card" in capsys.readouterr().err
    options = f"--encoder {tiny_encoder} --system semantic_fpn {SMALL}"
    train_land_cover.main([*again, *options.split(), "--seconds", "90"])
    found = read_facts(output)
    assert found["score"] == facts["score"]
    assert " 90 s on " in found["training_details"]
    assert "--output tiny_land_cover" in found["training"]


def check_scores(facts, scores):
    """The card has the scores of the file, of each place and of both."""
    assert list(scores) == ["dubai", "ohio_naip", "kampala"]
    places = facts["score"]["places"]
    assert list(places) == list(scores)
    means = []
    for name in ("dubai", "ohio_naip"):
        means.append(np.mean(list(scores[name].values())))
        assert places[name]["mean_iou"] == pytest.approx(means[-1], abs=1e-4)
        for key, iou in scores[name].items():
            assert places[name]["classes"][key] == round(iou, 4)
    mean = pytest.approx(np.mean(means), abs=1e-4)
    assert facts["score"]["mean_iou"] == mean
    reading = places["kampala"]["readings"]["1 m"]
    assert reading["recall"] == round(scores["kampala"]["1 m"]["recall"], 4)
    assert "Kampala" in facts["limits"] and "IoU" in facts["limits"]


def check_command(facts):
    """The command on the card is valid, and trains the same."""
    words = facts["training"].split()
    assert words[:3] == ["python", "-m", "examples.train_land_cover"]
    args = train_land_cover.parse_arguments(words[3:])
    assert args.labels == "void_border" and args.steps == 2
    assert args.without == ["jpeg", "scale"]
    assert args.output == "tiny_land_cover"
    # Nothing was scaled.
    assert facts["ground_sample_distances"] == [0.6, 0.8]
    assert "jpeg" not in facts["training_details"]


def check_sources(facts):
    """Licences and thanks are in the sources' own words."""
    notes = " ".join(facts["notes"].split())
    asked = ohio_naip.FACTS.licence.partition('acknowledge "')[2]
    assert len(asked) > 20 and asked.rstrip('"') in notes
    for words in ("There is no licence file", "public domain", "CC0"):
        assert words in notes
    assert "No tile of it is shipped" in notes


def check_scored_again(again, output, facts):
    """New scores replace the old ones, and nothing else."""
    card = output / "card.json"
    changed = json.loads(card.read_text())
    changed["score"]["mean_iou"] = 0.999
    changed["limits"] = "What somebody saw on a map."
    card.write_text(json.dumps(changed))
    train_land_cover.main(again)
    found = read_facts(output)
    assert found["score"] == facts["score"]
    assert found["limits"] == "What somebody saw on a map."


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on(
    places, tiny_encoder, tmp_path, monkeypatch, capsys
):
    """It ends with the weights, and their average, of an uninterrupted run."""
    monkeypatch.setattr(fine_tuning, "STEPS_PER_EPOCH", 1)
    small = "--steps 3 --batch-size 2 --tile-size 32 --frozen-share 0.4"
    monkeypatch.setattr(
        score_land_cover, "score_places", lambda model, root: SCORES
    )

    def start(name):
        output = tmp_path / name
        others = f"{small} --labels half_weight"
        train_land_cover.main(arguments(places, tiny_encoder, output, others))
        return keras_rsseg.from_preset(output).get_weights()

    expected = start("whole")
    log = fine_tuning.TrainingLog

    class Stopped(log):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            if epoch + 1 == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(fine_tuning, "TrainingLog", Stopped)
    with pytest.raises(KeyboardInterrupt):
        start("stopped")
    assert not (tmp_path / "stopped").exists()
    monkeypatch.setattr(fine_tuning, "TrainingLog", log)
    capsys.readouterr()
    weights = start("stopped")
    printed = capsys.readouterr().out
    assert "resuming after" in printed and "epoch 1/3" not in printed
    for stopped, whole in zip(weights, expected, strict=True):
        np.testing.assert_allclose(stopped, whole, rtol=1e-5, atol=1e-6)


SCORES = {
    name: dict.fromkeys(FACTS.class_names, 0.5)
    for name in ("dubai", "ohio_naip")
}
