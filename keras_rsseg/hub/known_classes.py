"""Which classes a preset's configuration may name."""

from typing import Any

import keras

from keras_rsseg.errors import PresetError

_OWN_PACKAGES = ("keras_rsseg", "keras_hub")
# Layers of Keras that run code which the configuration brings or points to.
_CODE = (
    "__lambda__",
    "__typespec__",
    "FlaxLayer",
    "JaxLayer",
    "Lambda",
    "TFSMLayer",
    "TorchModuleWrapper",
)


def check_classes(configuration: Any, source: str, trusted: bool) -> None:
    """Refuse a configuration that names classes which must not be made.

    Called before anything is deserialised. Keras itself makes an object of
    any class that the program has registered, and some of its layers run
    code.

    Args:
        configuration: what a JSON file of a preset holds.
        source: string, names the preset in an error.
        trusted: bool, whether classes that the program registered for itself
            may be named, beside those of keras_rsseg, keras_hub and Keras.

    Raises:
        PresetError: a class is unknown, or not allowed.
    """
    if isinstance(configuration, list):
        for item in configuration:
            check_classes(item, source, trusted)
    if not isinstance(configuration, dict):
        return
    if "class_name" in configuration:
        _check_class(configuration, source, trusted)
    for item in configuration.values():
        check_classes(item, source, trusted)


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
    if not all(isinstance(each, str) for each in names):
        raise PresetError(f"{source} has a damaged configuration.")
    if set(names) & set(_CODE):
        raise PresetError(
            f"{source} holds a {registered}, which runs code that the preset "
            "brings. No preset may."
        )
    for each in names:
        package, found, _ = each.partition(">")
        if found:
            _check_registered(each, package, source, trusted)
    if ">" in registered or name.startswith("__"):
        return
    if keras.saving.get_registered_object(registered) is not None:
        allowed = trusted  # a plain name, which the program has registered
    else:
        # Of these modules Keras makes its own classes and functions only.
        root = module.split(".")[0]
        allowed = root in ("builtins", "keras", "keras_hub")
    if allowed:
        return
    raise PresetError(_foreign(source, f"{module}.{name}".lstrip(".")))


def _check_registered(
    name: str, package: str, source: str, trusted: bool
) -> None:
    known = keras.saving.get_registered_object(name) is not None
    if package in _OWN_PACKAGES:
        if not known:
            raise PresetError(
                f"{source} names {name!r}, which this version does not know. "
                "Update with `pip install --upgrade keras-rsseg keras-hub`."
            )
    elif not trusted:
        raise PresetError(_foreign(source, name))
    elif not known:
        raise PresetError(
            f"{source} names {name!r}, which nothing has registered. Import "
            f"the module of {package!r} that does, then load it again."
        )


def _foreign(source: str, name: str) -> str:
    return (
        f"{source} names {name!r}. A preset from the Hub may only name "
        "classes of keras_rsseg, keras_hub and Keras, for others run code of "
        "their own. If you trust it, import that code, download the preset "
        "to a folder (`hf download org/name --local-dir FOLDER`) and load the "
        "folder."
    )
