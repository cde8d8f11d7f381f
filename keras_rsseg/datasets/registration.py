"""Makes the data sets known to TensorFlow Datasets (TFDS) when it is loaded.

TFDS takes a second to import, and facts of data sets do not need it. Nor can
it be asked to look for builders later: it knows only classes that exist. So
they are made when TFDS is imported, which a finder on `sys.meta_path` notices.
"""

import importlib
import importlib.abc
import importlib.util
import sys

_TFDS = "tensorflow_datasets"


def register() -> None:
    """Import TFDS and make the data sets known to it, unless they already are.

    Rarely needed: importing both `keras_rsseg.datasets` and TFDS, in either
    order, does the same.

    Raises:
        ImportError: if tensorflow_datasets is not installed.

    Example:

    ```python
    keras_rsseg.datasets.register()

    import tensorflow_datasets as tfds

    tfds.builder_cls("potsdam").name  # "potsdam"
    ```
    """
    importlib.import_module("keras_rsseg.datasets.scene_builder")


def register_with_tfds() -> None:
    """Make the data sets known to TFDS now if it is loaded, else when it is.

    Without tensorflow, which builders need, TFDS is left as it is.
    """
    if sys.modules.get(_TFDS) is not None:
        _register_if_usable()
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _register_if_usable():
    if importlib.util.find_spec("tensorflow") is not None:
        register()


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the other finders find TFDS, and makes the builders after it."""

    def find_spec(self, fullname, path, target=None):
        if fullname != _TFDS:
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, self)
                return spec
        return None


class _Loader(importlib.abc.Loader):
    """Loads TFDS with its own loader, and then puts that back in place."""

    def __init__(self, loader, finder):
        self._loader = loader
        self._finder = finder

    def __getattr__(self, name):
        # Everything else asked of a loader: resources, source, file name.
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        _register_if_usable()
