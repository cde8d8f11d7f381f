"""A row of `SYSTEMS` is enough: classes made from it, and its copies."""

import ast
import copy
import pathlib
import pickle

import keras
import keras_hub
import numpy as np
import pytest
from keras_hub.src.utils.preset_utils import find_subclass

import keras_rsseg
from keras_rsseg.systems import SYSTEMS
from tests.test_case import to_numpy

ROOT = pathlib.Path(keras_rsseg.__file__).parents[1]
PARTS = ("", "Backbone", "ImageConverter", "Preprocessor")


def static_names(path):
    """Return `{name: module}` that a module imports only for editors."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        alias.asname: line.module
        for node in tree.body
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for line in node.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }


@pytest.mark.parametrize("task", SYSTEMS)
def test_every_system_is_in_readme_and_has_a_page(task):
    """Written by `python -m docs.make_pages`; `tests/docs` compares them."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"`{task}`" in readme
    page = ROOT / "docs" / "systems" / f"{SYSTEMS[task]}.md"
    assert page.read_text(encoding="utf-8").startswith(f"# {task}\n")


def test_every_folder_is_a_system():
    folders = (ROOT / "keras_rsseg" / "models").glob("*/__init__.py")
    assert {path.parent.name for path in folders} == set(SYSTEMS.values())
    assert list(SYSTEMS) == sorted(SYSTEMS)


def test_editors_see_every_name():
    package = ROOT / "keras_rsseg"
    names = static_names(package / "__init__.py")
    assert set(names) == set(keras_rsseg.__all__)
    assert {names[task] for task in SYSTEMS} == {"keras_rsseg.models"}
    assert static_names(package / "models" / "__init__.py") == {
        f"{task}{part}": f"keras_rsseg.models.{folder}.{folder}"
        for task, folder in SYSTEMS.items()
        for part in PARTS[:2]
    }


@pytest.mark.parametrize("task", SYSTEMS)
class TestClasses:
    def test_are_made_registered_and_described(self, task):
        folder = SYSTEMS[task]
        for part in PARTS:
            name = task + part
            made = getattr(keras_rsseg.models, name)
            assert name in keras_rsseg.models.__all__
            assert made.__name__ == made.__qualname__ == name
            assert made.__module__ == f"keras_rsseg.models.{folder}.{folder}"
            registered = keras.saving.get_registered_name(made)
            assert registered == f"keras_rsseg>{name}"
            assert keras.saving.get_registered_object(registered) is made
            assert pickle.loads(pickle.dumps(made)) is made
            if part in PARTS[2:]:
                assert f"`keras_rsseg.{task}`" in made.__doc__
        task_cls = getattr(keras_rsseg, task)
        assert task_cls is getattr(keras_rsseg.models, task)
        preprocessor_cls = getattr(keras_rsseg.models, f"{task}Preprocessor")
        assert task_cls.preprocessor_cls is preprocessor_cls

    def test_are_found_by_the_class_of_the_backbone(self, task):
        backbone_cls = getattr(keras_rsseg.models, f"{task}Backbone")
        for base, part in (
            (keras_hub.layers.ImageConverter, "ImageConverter"),
            (keras_hub.models.Preprocessor, "Preprocessor"),
            (keras_hub.models.ImageSegmenter, ""),
        ):
            found = find_subclass("a preset", base, backbone_cls)
            assert found is getattr(keras_rsseg.models, task + part)

    def test_instances_are_copied_and_pickled(self, task):
        cls = getattr(keras_rsseg.models, f"{task}Preprocessor")
        converter = cls.image_converter_cls(
            scale=[0.5, 1.0], offset=0.25, bands=("vv", "vh")
        )
        preprocessor = cls(image_converter=converter)
        tiles = np.random.default_rng(0).uniform(size=(1, 4, 4, 2))
        expected = to_numpy(preprocessor(tiles.astype("float32")))
        for other in (
            copy.deepcopy(preprocessor),
            pickle.loads(pickle.dumps(preprocessor)),
        ):
            assert type(other) is cls
            assert type(other.image_converter) is cls.image_converter_cls
            assert other.image_converter.bands == ("vv", "vh")
            actual = to_numpy(other(tiles.astype("float32")))
            np.testing.assert_array_equal(actual, expected)
