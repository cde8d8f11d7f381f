"""Facts need neither tensorflow nor TFDS; TFDS finds the builders itself."""

import pickle
import subprocess
import sys

import pytest

from keras_rsseg import datasets

NAMES = (
    "dubai",
    "isaid",
    "loveda",
    "ohio_naip",
    "potsdam",
    "vaihingen",
    "whu_building",
)


@pytest.mark.parametrize("name", NAMES)
def test_facts_agree_with_themselves(name):
    facts = datasets.facts(name)
    palette = facts.to_palette()
    assert palette.num_classes == facts.num_classes == len(facts.class_names)
    assert len(set(facts.class_names)) == facts.num_classes
    assert facts.as_metadata()["void"] == 255
    assert facts.name == name


def test_bands_and_sizes_are_stated():
    assert datasets.facts("vaihingen").bands == ("nir", "red", "green")
    assert datasets.facts("potsdam").ground_sample_distance == 0.05
    assert datasets.facts("isaid").ground_sample_distance is None


def test_ade20k_has_no_palette():
    with pytest.raises(ValueError, match="ade20k has no palette"):
        datasets.facts("ade20k").to_palette()


def test_an_unknown_name_is_refused_with_those_known():
    with pytest.raises(ValueError, match="'cityscapes', 'dubai', 'isaid'"):
        datasets.facts("inria")


def test_facts_need_no_tensorflow():
    run(
        "import sys",
        "sys.modules['tensorflow'] = None",
        "import keras_rsseg.datasets as datasets",
        "assert datasets.facts('isaid').num_classes == 16",
        "assert 'tensorflow_datasets' not in sys.modules",
    )


def test_facts_and_legends_leave_tfds_alone():
    run(
        "import sys",
        "import keras_rsseg.class_legends",
        "import keras_rsseg.datasets",
        "assert keras_rsseg.datasets.facts('vaihingen').num_classes == 6",
        "heavy = {'tensorflow', 'tensorflow_datasets'} & set(sys.modules)",
        "assert not heavy, heavy",
    )


@pytest.mark.parametrize(
    "imports",
    [
        ("import tensorflow_datasets as tfds", "import keras_rsseg.datasets"),
        ("import keras_rsseg.datasets", "import tensorflow_datasets as tfds"),
        (
            "import keras_rsseg.datasets",
            "from tensorflow_datasets.core import registered",
            "import tensorflow_datasets as tfds",
        ),
        (
            "import keras_rsseg",
            "keras_rsseg.datasets.register()",
            "keras_rsseg.datasets.register()",
            "tfds = sys.modules['tensorflow_datasets']",
        ),
        (
            "import importlib.util",
            "import keras_rsseg.datasets",
            "importlib.util.find_spec('tensorflow_datasets')",
            "assert 'tensorflow_datasets' not in sys.modules",
            "import tensorflow_datasets as tfds",
        ),
    ],
)
def test_tfds_knows_the_builders_in_whatever_order(imports):
    """Any order of imports works, and tensorflow is imported only when used."""
    pytest.importorskip("tensorflow_datasets")
    run(
        "import sys",
        *imports,
        f"for name in {NAMES}:",
        "    assert tfds.builder_cls(name).name == name",
        "assert 'tensorflow' not in sys.modules",
        # No lazy import is left.
        "ours = [f for f in sys.meta_path if 'rsseg' in type(f).__module__]",
        "assert not ours, ours",
        "assert 'rsseg' not in type(tfds.__loader__).__module__",
        "assert tfds.__spec__.loader is tfds.__loader__",
    )


def test_tfds_without_tensorflow_is_left_as_it_is():
    run(
        "import sys",
        "sys.modules['tensorflow'] = None",
        "import keras_rsseg.datasets",
        "import tensorflow_datasets",
        "assert 'keras_rsseg.datasets.scene_builder' not in sys.modules",
    )


def test_tfds_that_is_missing_is_still_missing():
    run(
        "import sys, importlib.abc",
        "import keras_rsseg.datasets",
        "class Missing(importlib.abc.MetaPathFinder):",
        "    def find_spec(self, fullname, path, target=None):",
        "        if fullname == 'tensorflow_datasets':",
        "            raise ModuleNotFoundError(fullname, name=fullname)",
        "sys.meta_path.insert(1, Missing())",
        "for ask in (keras_rsseg.datasets.register,",
        "            lambda: __import__('tensorflow_datasets')):",
        "    try: ask()",
        "    except ModuleNotFoundError as error:",
        "        assert error.name == 'tensorflow_datasets'",
        "    else: raise AssertionError",
    )


def test_builders_can_be_pickled():
    """As in a pool of processes: by module and name."""
    tfds = pytest.importorskip("tensorflow_datasets")
    for name in NAMES:
        builder = tfds.builder_cls(name)
        assert pickle.loads(pickle.dumps(builder)) is builder
    assert tfds.builder_cls("whu_building").__name__ == "WhuBuilding"


def run(*lines):
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)
