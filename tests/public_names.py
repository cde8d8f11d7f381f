"""The package's public names: what its modules define without underscore."""

import importlib
import inspect
import pkgutil
from typing import NamedTuple

import keras_rsseg

# Needs a package that some environments lack.
_OPTIONAL = "keras_rsseg.beam"


class PublicName(NamedTuple):
    """A module, class, function, method or property of the package."""

    name: str  # without `keras_rsseg.`, as in `layers.attention.attend`
    value: object
    doc: str

    @property
    def room(self):
        return self.name.partition(".")[0]


def rooms():
    """Return the names of the package's subpackages and modules."""
    names = [info.name for info in pkgutil.iter_modules(keras_rsseg.__path__)]
    names.append("__init__")
    return names


def modules():
    """Import and yield the package and all modules below it."""
    yield keras_rsseg
    for info in pkgutil.walk_packages(keras_rsseg.__path__, "keras_rsseg."):
        if info.name.endswith(".__main__"):
            continue
        try:
            yield importlib.import_module(info.name)
        except ImportError:
            if not info.name.startswith(_OPTIONAL):
                raise


def public_names():
    """Return the package's definitions, each under its own module."""
    found = []
    for module in modules():
        name = module.__name__.partition(".")[2]
        found.append(_public(name or "__init__", module))
        for key, value in vars(module).items():
            if _is_defined_in(module, key, value):
                found.append(_public(f"{name}.{key}".lstrip("."), value))
                if inspect.isclass(value):
                    found += _members(found[-1])
    return found


def exported_names():
    """Return the names in `__all__` of the package and its public modules.

    Each appears once, by its shortest name: `HRNet`, `models.HRNetBackbone`.
    """
    found = {}
    for room in ("", *keras_rsseg.__all__):
        try:
            module = getattr(keras_rsseg, room) if room else keras_rsseg
        except ImportError:
            assert f"keras_rsseg.{room}" == _OPTIONAL
            continue
        if not inspect.ismodule(module):
            continue
        for key in getattr(module, "__all__", ()):
            try:
                value = getattr(module, key)
            except ImportError:
                continue
            if inspect.isclass(value) or inspect.isfunction(value):
                name = f"{room}.{key}".lstrip(".")
                found.setdefault(id(value), _public(name, value))
    return list(found.values())


def _is_defined_in(module, key, value):
    return (
        not key.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
        and value.__qualname__ == key
    )


def _members(owner):
    for key, value in vars(owner.value).items():
        if isinstance(value, classmethod | staticmethod):
            value = value.__func__
        if not key.startswith("_") and (
            inspect.isfunction(value) or isinstance(value, property)
        ):
            yield _public(f"{owner.name}.{key}", value)


def _public(name, value):
    return PublicName(name, value, inspect.cleandoc(value.__doc__ or ""))
