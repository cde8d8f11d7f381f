"""The facts of a model before it is made, and the resulting model."""

import pytest

import keras_rsseg
from keras_rsseg.data import Palette
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import PresetError
from keras_rsseg.training.starting_model import preset_facts
from keras_rsseg.training_options import TrainingOptions
from tests.hub.tiny_preset import make_task

NAMES = ["water", "road", "land"]


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "tiny"
    make_task().save_to_preset(folder)
    return folder


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_classes": 3},
        {"num_classes": 5},
        {"classes": NAMES[::-1]},
        {"classes": ["roof", "other"]},
        {"palette": Palette([(0, 0, 0), (9, 9, 9)])},
        {"palette": Palette([(0, 0, 255), (9, 9, 9), (0, 255, 0)])},
        {
            "palette": Palette([(0, 0, 0), (9, 9, 9)]),
            "classes": ["roof", "other"],
        },
    ],
)
def test_facts_are_those_of_the_model(preset, options):
    facts = preset_facts(TrainingOptions(preset=preset, **options))
    model = keras_rsseg.from_preset(
        preset, load_weights=False, **facts.arguments
    )
    assert (
        facts.num_classes,
        facts.class_names,
        facts.bands,
        facts.value_range,
        facts.preset_distance,
    ) == (
        model.num_classes,
        model.class_names,
        model.bands,
        model.value_range,
        model.ground_sample_distance,
    )


def test_classes_that_nobody_can_tell_apart(preset):
    with pytest.raises(ArgumentError, match="roof"):
        preset_facts(TrainingOptions(preset=preset, classes=["roof", "roof"]))


def test_presets_that_are_none(tmp_path):
    with pytest.raises(PresetError, match="nothing"):
        preset_facts(TrainingOptions(preset=tmp_path / "nothing"))
