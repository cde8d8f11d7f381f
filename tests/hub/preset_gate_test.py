"""Of all Keras and keras_hub classes, presets can only name network parts."""

import pytest

import keras_rsseg.models  # noqa: F401  (registers the classes)
from keras_rsseg.hub.allowed_classes import check_classes


def described(module, name, registered=None, config=None):
    return {
        "module": module,
        "class_name": name,
        "config": config or {},
        "registered_name": registered,
    }


@pytest.mark.parametrize(
    "item",
    [
        described("keras", "DTypePolicy", config={"name": "float32"}),
        described("keras.dtype_policies", "DTypePolicyMap"),
        described("keras.layers", "BatchNormalization"),
        described("keras.regularizers", "L2"),
        described("keras.activations", "function", "relu", config="relu"),
        described("x", "MiTBackbone", "keras_hub>MiTBackbone"),
    ],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_parts_of_networks_pass(item, trusted):
    check_classes(item, "x", trusted)


@pytest.mark.parametrize(
    "item",
    [
        described(
            "keras.layers", "StringLookup", config={"vocabulary": "/etc/passwd"}
        ),
        described("keras.layers", "IntegerLookup"),
        described("keras.layers", "TextVectorization"),
        described("keras.layers", "Pipeline"),
        described("keras.utils", "get_file", config={"origin": "file:///x"}),
        described("keras.utils", "function", "get_file", config="get_file"),
        described("builtins", "function", "eval", config="eval"),
        described("builtins", "function", "get", config="get"),
        described("keras.models", "load_model"),
        described("keras.saving", "load_model"),
        described("keras.src.layers", "Conv2D"),
        described("keras.initializers", "get"),
        described("keras_hub.layers", "Anything"),
        described("x", "Backbone", "keras_hub>Backbone"),
        described("x", "BytePairTokenizer", "keras_hub>BytePairTokenizer"),
        {"class_name": "__keras_tensor__", "config": {}, "module": "keras"},
    ],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_what_reads_files_or_asks_the_network_does_not(item, trusted):
    with pytest.raises(ValueError, match="No preset is allowed|does not know"):
        check_classes({"deep": [item]}, "x", trusted)


def test_depth():
    item = {}
    for _ in range(5000):
        item = {"a": [item]}
    with pytest.raises(ValueError, match="nested too deeply"):
        check_classes(item, "x", True)
