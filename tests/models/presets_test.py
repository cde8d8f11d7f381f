"""Damaged, unknown and foreign presets are named, not half loaded."""

import json

import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.hub.preset_files import record_sums
from tests.models.segmenter_test import make_model


@pytest.fixture
def folder(tmp_path):
    """A preset without faults."""
    path = tmp_path / "preset"
    make_model().save_to_preset(path)
    return path


def truncate(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


class TestBrokenPresets:
    def test_unknown_name(self):
        with pytest.raises(ValueError, match="hrnet_w18_dubai.*'nonsense'"):
            keras_rsseg.from_preset("nonsense")

    def test_preset_of_another_task(self, folder):
        with pytest.raises(ValueError, match="SemanticFPN.*HRNet"):
            keras_rsseg.HRNet.from_preset(str(folder))

    def test_folder_of_a_backbone_alone(self, tmp_path):
        make_model().backbone.save_to_preset(tmp_path)
        with pytest.raises(ValueError, match="no task.json"):
            keras_rsseg.from_preset(str(tmp_path))

    def test_empty_folder(self, tmp_path):
        with pytest.raises(ValueError, match="no task.json"):
            keras_rsseg.from_preset(str(tmp_path))

    @pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.95])
    @pytest.mark.parametrize("name", ["model.weights.h5", "task.weights.h5"])
    def test_truncated_weights(self, folder, name, share):
        truncate(folder / name, share)
        with pytest.raises(ValueError, match="truncated or damaged"):
            keras_rsseg.from_preset(str(folder))

    def test_weights_that_are_no_weights(self, folder):
        (folder / "model.weights.h5").write_text("<html>Not found</html>")
        with pytest.raises(ValueError, match="truncated or damaged"):
            keras_rsseg.from_preset(str(folder))

    def test_missing_weights(self, folder):
        (folder / "model.weights.h5").unlink()
        with pytest.raises(ValueError, match=str(folder)):
            keras_rsseg.from_preset(str(folder))

    @pytest.mark.parametrize("name", ["task.json", "config.json"])
    @pytest.mark.parametrize("share", [0, 0.5])
    def test_truncated_configuration(self, folder, name, share):
        truncate(folder / name, share)
        with pytest.raises(ValueError, match="truncated or damaged"):
            keras_rsseg.from_preset(str(folder))

    @pytest.mark.parametrize(
        "content, told",
        [
            ({}, "damaged.* names no task"),
            ([], "damaged.* names no task"),
            ({"registered_name": "x>Y"}, "does not know"),
        ],
    )
    def test_configuration_of_nothing_known(self, folder, content, told):
        (folder / "task.json").write_text(json.dumps(content))
        with pytest.raises(ValueError, match=told):
            keras_rsseg.from_preset(str(folder))

    def test_saved_by_an_older_version(self, folder):
        # The names of classes count, not their modules.
        tiles = np.zeros((1, 16, 16, 3), "uint8")
        expected = keras_rsseg.from_preset(folder).predict_on_batch(tiles)
        home = "keras_rsseg.models.semantic_fpn.semantic_fpn"
        for path in folder.glob("*.json"):
            content = path.read_text()
            assert f'"{home}"' in content or path.name == "metadata.json"
            path.write_text(content.replace(f'"{home}"', f'"{home}_backbone"'))
        record_sums(folder)
        loaded = keras_rsseg.from_preset(folder)
        np.testing.assert_array_equal(loaded.predict_on_batch(tiles), expected)

    def test_path_and_string_are_the_same(self, folder):
        tiles = np.zeros((1, 16, 16, 3), "uint8")
        first = keras_rsseg.from_preset(folder).predict_on_batch(tiles)
        second = keras_rsseg.from_preset(str(folder)).predict_on_batch(tiles)
        np.testing.assert_array_equal(first, second)

    def test_misspelt_arguments_are_not_called_damage(self, folder):
        with pytest.raises(TypeError, match=r"SemanticFPN.*\['num_clases'\]"):
            keras_rsseg.from_preset(str(folder), num_clases=4)
