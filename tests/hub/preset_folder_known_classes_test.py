"""A downloaded configuration makes known classes, or nothing."""

import json

import keras
import pytest

import keras_rsseg.models  # noqa: F401  (registers the classes)
from keras_rsseg.hub.preset_folder import check_classes


@keras.saving.register_keras_serializable(package="visitors")
class Visitor(keras.layers.Layer):
    """The program's own function, which no preset may call."""


def check(item, trusted=False):
    """Check a configuration with a deeply nested item."""
    task = {
        "module": "keras_rsseg.models.hrnet.hrnet",
        "class_name": "HRNet",
        "config": {"list": [1, None, {"deep": item}]},
        "registered_name": "keras_rsseg>HRNet",
    }
    check_classes(task, "`preset` 'x'", trusted)


def described(module, name, registered=None, config=None):
    return {
        "module": module,
        "class_name": name,
        "config": config or {},
        "registered_name": registered,
    }


def test_the_package_itself_keras_hub_and_keras_pass(preset):
    for path in preset.glob("*.json"):
        check_classes(json.loads(path.read_text()), "x", False)
    for item in (
        described("keras_hub.x", "ResNetBackbone", "keras_hub>ResNetBackbone"),
        described("keras.layers", "Conv2D"),
        described("keras.initializers", "HeNormal"),
        described("builtins", "function", "relu", config="relu"),
        {"class_name": "__numpy__", "config": {"value": [1], "dtype": "int32"}},
        {"no class": 1},
    ):
        check(item)


@pytest.mark.parametrize(
    "item",
    [
        described("keras.layers", "Lambda"),
        described("keras.layers", "TFSMLayer"),
        described("keras.src.utils.torch_utils", "TorchModuleWrapper"),
        described("keras.layers", "x", "Lambda"),
        described("builtins", "__lambda__"),
        {"class_name": "__typespec__", "spec_name": "x", "config": []},
    ],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_nothing_runs_code_that_the_preset_brings(item, trusted):
    with pytest.raises(ValueError, match="runs code from the preset"):
        check(item, trusted)


@pytest.mark.parametrize(
    "item",
    [
        described("anything", "Visitor", "visitors>Visitor"),
        # Keras goes by the registered name, not by the module.
        described("keras.layers", "Conv2D", "visitors>Visitor"),
        described("builtins", "function", "relu", config="visitors>f"),
        described("os", "system"),
        described("keras_nlp.layers", "X"),
        described("kerasx.layers", "X"),
        described(None, "Anything"),
        {"class_name": "Anything", "config": {}},
    ],
)
def test_classes_of_others_are_refused(item):
    with pytest.raises(ValueError, match="may only name.*download the preset"):
        check(item)


def test_what_the_program_registered_is_fine_in_its_own_folder():
    check(described("x", "Visitor", "visitors>Visitor"), trusted=True)
    with pytest.raises(ValueError, match="Import the module of 'visitors'"):
        check(described("x", "Other", "visitors>Other"), trusted=True)
    with keras.saving.custom_object_scope({"Visitor": Visitor}):
        check(described("x", "Visitor", "Visitor"), trusted=True)
        with pytest.raises(ValueError, match="may only name"):
            check(described("keras.layers", "Visitor", "Visitor"))


def test_a_class_of_a_later_version():
    with pytest.raises(ValueError, match="pip install --upgrade"):
        check(described("keras_rsseg.models", "New", "keras_rsseg>New"))


def test_damaged_names():
    with pytest.raises(ValueError, match="damaged configuration"):
        check(described("keras.layers", ["Conv2D"]))
