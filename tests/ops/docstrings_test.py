"""The examples in the docstrings run and give what they say."""

import doctest
import importlib

import keras
import pytest


@pytest.mark.parametrize(
    "name, functions",
    [
        ("adaptive_pool", 2),
        ("boundary", 1),
        ("attention", 1),
        ("counting", 1),
        ("dilation", 1),
        ("flow_warp", 1),
        ("grid_sample", 1),
        ("point_selection", 6),
        ("points", 3),
        ("resize", 2),
        ("upsampled_conv", 1),
    ],
)
def test_examples(name, functions):
    keras.config.set_image_data_format("channels_last")
    module = importlib.import_module(f"keras_rsseg.ops.{name}")
    with_examples = [
        t for t in doctest.DocTestFinder().find(module) if t.examples
    ]
    assert len(with_examples) >= functions
    assert doctest.testmod(module).failed == 0
