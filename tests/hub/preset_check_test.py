"""Nothing is published that others could not use or understand."""

import json

import numpy as np
import pytest

from keras_rsseg.hub.preset_check import load_checked
from keras_rsseg.hub.preset_check import read_facts
from tests.hub.tiny_preset import FACTS
from tests.hub.tiny_preset import make_task


def test_sound_preset(preset):
    assert load_checked(preset).class_names == ["water", "road", "land"]


def test_folder_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="save_to_preset.*nowhere"):
        load_checked(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "arguments, name",
    [({"class_names": None}, "class_names"), ({"preprocessor": None}, "bands")],
)
def test_legend_that_is_missing(tmp_path, arguments, name):
    make_task(**arguments).save_to_preset(tmp_path)
    with pytest.raises(ValueError, match=f"does not say what its {name}"):
        load_checked(tmp_path)


def test_weights_that_diverged(tmp_path):
    task = make_task()
    kernel, bias = task.classifier.get_weights()
    task.classifier.set_weights([kernel, np.full_like(bias, np.nan)])
    task.save_to_preset(tmp_path)
    with pytest.raises(ValueError, match="not finite"):
        load_checked(tmp_path)


class TestFacts:
    def test_file_or_argument(self, tmp_path):
        (tmp_path / "card.json").write_text(json.dumps(FACTS))
        assert read_facts(tmp_path) == FACTS
        other = {**FACTS, "limits": "Other."}
        assert read_facts(tmp_path, other)["limits"] == "Other."

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
            ({"score": {**FACTS["score"], "mean_iou": 69.8}}, "fractions"),
            (
                {"score": {**FACTS["score"], "classes": {"a": 59.9}}},
                "fractions",
            ),
            ({"paper_score": {"mean_iou": 0.6}}, r"paper_score lacks"),
        ],
    )
    def test_scores_say_what_they_are_of(self, tmp_path, changes, words):
        with pytest.raises(ValueError, match=words):
            read_facts(tmp_path, {**FACTS, **changes})
