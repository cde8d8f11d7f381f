"""Facts of data sets need no tensorflow; loading them needs one import."""

import subprocess
import sys

import pytest

from keras_rsseg import datasets

NAMES = ("dubai", "isaid", "loveda", "potsdam", "vaihingen", "whu_building")


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


def test_importing_registers_and_imports_no_tensorflow():
    pytest.importorskip("tensorflow_datasets")
    run(
        "import sys",
        "import tensorflow_datasets as tfds",
        "import keras_rsseg.datasets",
        f"for name in {NAMES}:",
        "    assert tfds.builder_cls(name).name == name",
        "assert 'tensorflow' not in sys.modules",
    )


def run(*lines):
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)
