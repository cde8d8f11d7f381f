"""The gate before deserialisation: which classes a preset may name.

Keras instantiates any class that the program has registered, and many of its
own; some of those run code, read files or use the network. Only classes that
this package's networks are built from are let through.
"""

import functools
import inspect
from typing import Any

from keras_rsseg.errors import PresetError

_OWN_PACKAGES = ("keras_rsseg", "keras_hub")
# Keras layers that run code contained in or named by their configuration.
_CODE = (
    "__lambda__",
    "__typespec__",
    "FlaxLayer",
    "JaxLayer",
    "Lambda",
    "TFSMLayer",
    "TorchModuleWrapper",
)
_VALUES = ("__bytes__", "__ellipsis__", "__numpy__", "__slice__", "__tensor__")
# Keras layers that hold arrays and numbers, and nothing else.
_LAYERS = (
    *("Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"),
    *("Add", "Average", "Concatenate", "Identity", "InputLayer", "Maximum"),
    *("Minimum", "Multiply", "Permute", "Rescaling", "Subtract"),
    *("AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D"),
    *("MaxPooling2D", "AdaptiveAveragePooling2D", "UpSampling2D"),
    *("BatchNormalization", "GroupNormalization", "LayerNormalization"),
    *("Conv2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D"),
    *("SeparableConv2D", "Cropping2D", "ZeroPadding2D"),
    *("Dropout", "GaussianNoise", "SpatialDropout2D"),
)
_DEEPEST = 100


def registered_class(name: str) -> Any:
    """Return the class or function registered under a name, or `None`.

    Args:
        name: as written in a configuration, `"keras_rsseg>PFNet"`.
    """
    # Finding a preset's folder and its facts needs no framework.
    import keras

    return keras.saving.get_registered_object(name)


def check_classes(configuration: Any, source: str, trusted: bool) -> None:
    """Refuse a configuration that names forbidden classes.

    Called before anything is deserialised.

    Args:
        configuration: the content of a preset's JSON file.
        source: string, names the preset in errors.
        trusted: bool, whether to allow classes that the program itself has
            registered, beside those of keras_rsseg, keras_hub and Keras.

    Raises:
        PresetError: a class is unknown, or not allowed.
    """
    stack = [(configuration, 0)]
    while stack:
        item, depth = stack.pop()
        if depth > _DEEPEST:
            raise PresetError(f"{source} is nested too deeply.")
        if isinstance(item, dict) and "class_name" in item:
            _check_class(item, source, trusted)
        if isinstance(item, dict | list):
            parts = item.values() if isinstance(item, dict) else item
            stack += [(part, depth + 1) for part in parts]


def _check_class(
    configuration: dict[str, Any], source: str, trusted: bool
) -> None:
    name = configuration["class_name"]
    registered = configuration.get("registered_name") or name
    module = configuration.get("module") or ""
    # A class goes by its registered name, a function by the one in "config".
    names = [registered, name]
    if name == "function":
        names.append(configuration.get("config"))
    if not all(isinstance(each, str) for each in (*names, module)):
        raise PresetError(f"{source} has a damaged configuration.")
    if set(names) & set(_CODE):
        raise PresetError(
            f"{source} holds a {registered}, which runs code from the preset. "
            "No preset is allowed to."
        )
    for each in names:
        package, found, _ = each.partition(">")
        if found:
            _check_registered(each, package, source, trusted)
    if ">" in registered or name in _VALUES:
        return
    if any(registered_class(each) for each in names):
        if trusted:  # plain names, which the program has registered
            return
    elif (module, names[-1]) in _of_keras():
        return
    elif module.partition(".")[0] in ("builtins", "keras", "keras_hub"):
        raise PresetError(
            f"{source} names {module}.{names[-1]}, which no network of "
            "keras_rsseg uses. No preset is allowed to."
        )
    raise PresetError(_foreign(source, f"{module}.{name}".lstrip(".")))


@functools.cache
def _of_keras() -> set[tuple[str, str]]:
    """Return modules and names of Keras' own classes that are allowed."""
    import keras

    policies = [n for n in dir(keras.dtype_policies) if "Policy" in n]
    allowed = {("keras", name) for name in policies}
    allowed |= {("keras.dtype_policies", name) for name in policies}
    allowed |= {("keras.layers", name) for name in _LAYERS}
    for part in ("constraints", "initializers", "regularizers"):
        content = vars(getattr(keras, part)).items()
        allowed |= {
            (f"keras.{part}", name)
            for name, value in content
            if inspect.isclass(value)
        }
    for name in set(dir(keras.activations)) - {"deserialize", "get"}:
        if not name.startswith("_"):
            allowed |= {("builtins", name), ("keras.activations", name)}
    return allowed


def _check_registered(
    name: str, package: str, source: str, trusted: bool
) -> None:
    found = registered_class(name)
    if package in _OWN_PACKAGES:
        if found is None:
            raise PresetError(
                f"{source} names {name!r}, which this version does not know. "
                "Update with `pip install --upgrade keras-rsseg keras-hub`."
            )
        if package == "keras_hub" and not _is_part_of_networks(found):
            raise PresetError(
                f"{source} names {name!r}, which no network of keras_rsseg "
                "uses. No preset is allowed to."
            )
    elif not trusted:
        raise PresetError(_foreign(source, name))
    elif found is None:
        raise PresetError(
            f"{source} names {name!r}, which is not registered. Import the "
            f"module of {package!r} that registers it, then load it again."
        )


def _is_part_of_networks(found: Any) -> bool:
    """Return whether an object of keras_hub can be part of our tasks."""
    import keras_hub

    kinds = (
        keras_hub.models.FeaturePyramidBackbone,
        keras_hub.models.ImageSegmenterPreprocessor,
        keras_hub.layers.ImageConverter,
    )
    return inspect.isclass(found) and issubclass(found, kinds)


def _foreign(source: str, name: str) -> str:
    return (
        f"{source} names {name!r}. A preset from the Hub may only name "
        "classes of keras_rsseg, keras_hub and Keras, since others run code "
        "of their own. If you trust it, import that code, download the preset "
        "to a folder (`hf download org/name --local-dir FOLDER`) and load the "
        "folder."
    )
