"""The facts of a preset are complete and known to their readers."""

import json

import pytest

import keras_rsseg
from keras_rsseg.hub import facts
from keras_rsseg.hub.publish import read_facts
from tests.hub.tiny_preset import FACTS

VALUES = {
    "text": "some text",
    "flag": True,
    "count": 3,
    "amount": 0.5,
    "fraction": 0.5,
    "fractions": {"water": 1, "land": 0.0},
    "names": ("a", "b"),
    "colours": [[0, 0, 255]],
    "range": [0.4, 1.6],
    "options": {"align_corners": True},
}


def value_of(fact):
    """Return valid values of a fact."""
    if fact.kind in ("parts", "named"):
        parts = {name: value_of(part) for name, part in fact.parts.items()}
        return parts if fact.kind == "parts" else {"a name": parts}
    return VALUES[fact.kind]


def of_places(places):
    """Return a score with places."""
    return {**FACTS["score"], "places": places}


class TestKinds:
    """A typo in a card or the registry is an error, not a gap on a page."""

    @pytest.mark.parametrize("name", facts.FACTS)
    def test_what_is_accepted(self, name):
        fact = facts.FACTS[name]
        facts.check_facts({name: value_of(fact)}, "x")
        if fact.can_be_none:
            facts.check_facts({name: None}, "x")
        else:
            with pytest.raises(ValueError, match=rf"x: {name} must be.*None"):
                facts.check_facts({name: None}, "x")

    @pytest.mark.parametrize(
        "name, value",
        [
            ("licence", " "),
            ("licence", 3),
            ("published", "yes"),
            ("parameters", 1.5),
            ("parameters", 0),
            ("parameters", True),
            ("gmacs", -1),
            ("gmacs", float("nan")),
            ("class_names", "water"),
            ("class_names", [1, 2]),
            ("palette", [[0, 0, 256]]),
            ("palette", [1, 2, 3]),
            ("ground_sample_distances", [1.6, 0.4]),
            ("ground_sample_distances", [1]),
            ("checkpoint", {"variant": "x", "options": 1}),
            ("how_to_get", "train it"),
        ],
    )
    def test_what_is_not(self, name, value):
        with pytest.raises(ValueError, match=rf"x: {name}.* must be"):
            facts.check_facts({name: value}, "x")

    def test_names_that_nobody_reads(self, tmp_path):
        (tmp_path / "card.json").write_text(json.dumps({"license": "MIT"}))
        with pytest.raises(ValueError, match=r"card.json.*\['license'\].*lice"):
            read_facts(tmp_path)
        # Facts in the preset's own files do not belong on the card.
        (tmp_path / "card.json").write_text(json.dumps({"parameters": 3}))
        with pytest.raises(ValueError, match=r"card.json.*\['parameters'\]"):
            read_facts(tmp_path)
        with pytest.raises(ValueError, match=r"unknown facts \['license'\]"):
            read_facts(tmp_path, {**FACTS, "license": "MIT"})


class TestCard:
    def test_round_trip(self, tmp_path):
        facts.write_card(tmp_path, FACTS)
        assert facts.read_card(tmp_path) == FACTS
        assert [path.name for path in tmp_path.iterdir()] == ["card.json"]

    def test_an_entry_of_the_list_is_cut_to_what_a_card_holds(self, tmp_path):
        entry = keras_rsseg.list_presets()[keras_rsseg.DEFAULT_PRESET]
        facts.write_card(tmp_path, entry)
        card = facts.read_card(tmp_path)
        assert card["score"] == entry["score"]
        assert not {"where", "handle", "palette"} & set(card)

    def test_none_at_all(self, tmp_path):
        assert facts.read_card(tmp_path) == {}

    def test_file_or_argument(self, tmp_path):
        (tmp_path / "card.json").write_text(json.dumps(FACTS))
        assert read_facts(tmp_path) == FACTS
        other = {**FACTS, "limits": "Other."}
        assert read_facts(tmp_path, other)["limits"] == "Other."

    def test_a_score_may_tell_places_apart_or_not(self, tmp_path):
        reading = {"iou": 0.4, "precision": 0.5, "recall": 0.6}
        places = {
            "dubai": {"data": "x", "mean_iou": 0.7, "classes": {"road": 0.7}},
            "kampala": {
                "data": "y",
                "class_name": "building",
                "readings": {"0.5 m": reading},
            },
        }
        for score in (FACTS["score"], of_places(places)):
            facts.write_card(tmp_path, {**FACTS, "score": score})
            assert facts.read_card(tmp_path)["score"] == score

    def test_weights_that_nobody_scored(self, tmp_path):
        assert read_facts(tmp_path, {**FACTS, "score": None})["score"] is None

    @pytest.mark.parametrize("content", ["{", "[1]"])
    def test_file_that_is_no_object(self, tmp_path, content):
        (tmp_path / "card.json").write_text(content)
        with pytest.raises(ValueError, match="card.json.*JSON"):
            read_facts(tmp_path)

    @pytest.mark.parametrize(
        "changes, words",
        [
            ({"score": {"mean_iou": 0.7}}, r"score lacks \['data', 'by'"),
            ({"score": {**FACTS["score"], "mean_iou": 69.8}}, "fraction"),
            (
                {"score": {**FACTS["score"], "classes": {"a": 59.9}}},
                "fraction from 0 to 1",
            ),
            ({"paper_score": {"mean_iou": 0.6}}, r"paper_score lacks"),
            (
                {"stated_score": {"mean_iou": 0.6, "by": "x"}},
                r"stated_score lacks \['data'\]",
            ),
            ({"score": of_places({})}, "places must be an object for each"),
            ({"score": of_places({"a": 0.7})}, "places must be an object"),
            (
                {"score": of_places({"a": {"mean_iou": 0.7}})},
                r"score: places: a lacks \['data'\]",
            ),
            (
                {"score": of_places({"a": {"data": "x", "miou": 0.7}})},
                r"places: a has unknown facts \['miou'\]",
            ),
            (
                {"score": of_places({"a": {"data": "x", "mean_iou": 70}})},
                "places: a: mean_iou must be a fraction",
            ),
            (
                {
                    "score": of_places(
                        {"a": {"data": "x", "readings": {"1 m": {"iou": 0.5}}}}
                    )
                },
                r"readings: 1 m lacks \['precision', 'recall'\]",
            ),
        ],
    )
    def test_scores_say_what_they_are_of(self, tmp_path, changes, words):
        with pytest.raises(ValueError, match=words):
            read_facts(tmp_path, {**FACTS, **changes})
