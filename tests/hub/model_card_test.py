"""A card states what its readers must know, and the Hub accepts it."""

import hashlib
import re
import shutil

import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.hub.client import parse_handle
from keras_rsseg.hub.facts import CARD_FACTS
from keras_rsseg.hub.model_card import model_card
from tests.hub.facts_test import value_of
from tests.hub.tiny_preset import FACTS


@pytest.fixture(scope="module")
def write(preset):
    task = keras_rsseg.from_preset(preset)

    moving = (v for v in task.weights if "moving" in v.path)
    counted = task.count_params() - sum(np.prod(v.shape) for v in moving)

    def write(facts=FACTS, handle="hf://me/tiny", **attributes):
        for name, value in attributes.items():
            setattr(task, name, value)
        return model_card(task, facts, parse_handle(handle), preset)

    write.parameters = int(counted)
    return write


def front_matter(card):
    from huggingface_hub import ModelCard

    # The Hub's own reader refuses incomplete results.
    return ModelCard(card).data


def test_front_matter(write):
    data = front_matter(write())
    assert data.license == "apache-2.0"
    assert data.pipeline_tag == "image-segmentation"
    assert data.library_name == "keras-hub"
    assert "keras-rsseg" in data.tags
    assert data.base_model is None and data.datasets is None
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value) == ("mean_iou", 0.25)
    assert data.model_name == "tiny"


def test_where_it_comes_from_is_linked(write):
    facts = {"base_model": "org/coco", "hub_datasets": ["org/a", "org/b"]}
    data = front_matter(write({**FACTS, **facts}))
    assert data.base_model == "org/coco"
    assert data.datasets == ["org/a", "org/b"]


def test_how_to_begin_and_what_to_cite(write):
    card = write()
    assert "pip install keras-rsseg" in card
    before, _, after = card.partition("import keras_hub\n")
    assert before.rstrip().splitlines()[-1].startswith("import keras_rsseg")
    assert 'ImageSegmenter.from_preset("hf://me/tiny")' in after
    citation = card.partition("## Citation")[2].partition("## ")[0]
    assert "https://arxiv.org/abs/1908.07919" in citation


def test_a_map_in_the_folder_is_shown(preset, tmp_path):
    folder = shutil.copytree(preset, tmp_path / "mine")
    task = keras_rsseg.from_preset(preset)
    handle = parse_handle("hf://me/tiny")
    assert "map.png" not in model_card(task, FACTS, handle, folder)
    (folder / "map.png").write_bytes(b"a picture")
    card = model_card(task, FACTS, handle, folder)
    assert "![A scene and its map of water, road, land](map.png)" in card


def test_licence_that_the_hub_has_no_name_for(write):
    card = write({**FACTS, "licence": "Research only, ask the owners"})
    data = front_matter(card)
    assert data.license == "other" and data.license_name
    assert "Research only, ask the owners" in card.partition("---\n\n")[2]


def test_unscored_weights_have_no_result(write):
    paper = {"mean_iou": 0.669, "source": "Li et al., 2021"}
    card = write({**FACTS, "score": None, "paper_score": paper})
    assert front_matter(card).eval_results is None
    assert "have not been scored" in card
    assert "paper states 0.669 (Li et al., 2021); this is not" in card


def test_what_others_state_is_theirs(write):
    stated = {"mean_iou": 0.6506, "by": "someone", "data": "their tiles"}
    card = write({**FACTS, "score": None, "stated_score": stated})
    assert front_matter(card).eval_results is None
    assert "have not been scored" in card
    assert "someone states 0.6506 for these weights" in card
    assert "on their tiles; it was not measured again" in card


def test_what_a_reader_looks_for(write, preset):
    card = write()
    for row in (
        "| 0 | water | ![](swatches/0000ff.png) `#0000ff` | 0.125 |",
        "| 2 | land | ![](swatches/00ff00.png) `#00ff00` |  |",
        "| bands | red, green, blue |",
        "| ground sample distance | 0.5 m |",
        f"| parameters | {write.parameters:,} |",
        "measured by the tests:",
        'keras_rsseg.from_preset("hf://me/tiny")',
        "--preset hf://me/tiny",
    ):
        assert row in card
    for fact in ("dataset", "limits", "training", "weights_source"):
        assert FACTS[fact] in card
    weights = (preset / "model.weights.h5").read_bytes()
    digest = hashlib.sha256(weights).hexdigest()
    assert f"| `model.weights.h5` | `{digest}` |" in card


def test_scores_of_each_place(write):
    places = {
        "dubai": {"data": "a | b", "mean_iou": 0.75, "classes": {"water": 0.5}},
        "ohio": {"data": "parts", "mean_iou": 0.25, "classes": {"land": 0.375}},
        "kampala": {
            "data": "houses",
            "class_name": "road",
            "readings": {
                "0.4 m": {"iou": 0.1, "precision": 0.2, "recall": 0.3},
                "1 m": {"iou": 0.4, "precision": 0.5, "recall": 0.6},
            },
        },
    }
    score = {**FACTS["score"], "mean_iou": 0.5, "places": places}
    card = write({**FACTS, "score": score, "dataset": "dubai, ohio_naip"})
    for line in (
        "| id | class | colour | IoU, dubai | IoU, ohio |",
        "| 0 | water | ![](swatches/0000ff.png) `#0000ff` | 0.500 |  |",
        "| 2 | land | ![](swatches/00ff00.png) `#00ff00` |  | 0.375 |",
        "Mean IoU 0.500 on noise",
        r"| dubai | a \| b | 0.750 |",
        "| kampala | houses |  |",
        "kampala, road:",
        "| 0.4 m | 0.100 | 0.200 | 0.300 |",
        "| 1 m | 0.400 | 0.500 | 0.600 |",
        "`dubai`, `ohio_naip`, see `keras_rsseg.datasets.facts()`.",
    ):
        assert line in card, line
    results = front_matter(card).eval_results
    found = {one.dataset_name: one.metric_value for one in results}
    assert found == {"a | b": 0.75, "parts": 0.25}


def test_what_is_not_known_is_said(write):
    colors = [(0, 0, 255), (9, 9, 9), (0, 255, 0)]
    card = write(palette=None)
    assert "| 0 | water |  | 0.125 |" in card
    write(palette=colors)


def test_tables_survive_any_name(write):
    names = ["a|b", "new\nline", "c"]
    card = write(class_names=names)
    assert r"| 0 | a\|b | ![](swatches/0000ff.png) `#0000ff` |  |" in card
    assert "| 1 | new line |" in card
    for line in re.findall(r"^\| \d.*$", card, re.MULTILINE):
        assert len(re.findall(r"(?<!\\)\|", line)) == 5


def test_revision_and_notes(write):
    card = write({**FACTS, "notes": "## Thanks\n\nTo all."}, "hf://me/x@v1")
    assert '"hf://me/x@v1"' in card and "## Thanks\n\nTo all." in card
    assert card.count("# x\n") == 1


def test_no_fact_is_left_out(write):
    facts = {name: value_of(fact) for name, fact in CARD_FACTS.items()}
    for name, fact in CARD_FACTS.items():
        if fact.kind == "text":
            facts[name] = f"all about {name}"
    card = write({**facts, "gmacs": 17.0, "ground_sample_distances": [2, 31]})
    for name, fact in CARD_FACTS.items():
        if fact.kind == "text":
            assert f"all about {name}" in card
    for text in ("17.0 billion", "2 to 31 m", "paper states 0.500"):
        assert text in card
