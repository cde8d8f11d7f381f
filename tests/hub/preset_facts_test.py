"""Facts read from a preset's files are those of its model."""

import keras_rsseg
from keras_rsseg.hub.preset_facts import read_preset_facts
from keras_rsseg.scenes.predicting.model_facts import ModelFacts
from tests.hub.tiny_preset import make_task


def test_a_saved_task(tmp_path):
    task = make_task(bands=("red", "nir"), display_palette=[(1, 2, 3)] * 3)
    task.save_to_preset(tmp_path / "preset")
    facts = read_preset_facts(tmp_path / "preset")
    assert ModelFacts.of(facts) == ModelFacts.of(task)
    assert ModelFacts.of(facts).class_names == ["water", "road", "land"]


def test_the_preset_of_the_package():
    name = keras_rsseg.DEFAULT_PRESET
    model = keras_rsseg.from_preset(name)
    assert ModelFacts.of(read_preset_facts(name)) == ModelFacts.of(model)
