"""Weights for three bands can start a network for four."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.models.preset_task import adapt_kernel
from tests.hub.tiny_preset import make_task
from tests.models.segmenter_tester import for_few_steps
from tests.test_case import to_numpy

RGB = ("red", "green", "blue")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rgb")
    make_task().save_to_preset(folder)
    return folder


def tiles_of(bands, seed=0):
    return np.random.default_rng(seed).integers(
        0, 256, (1, 24, 24, bands), "uint8"
    )


def predict(task, tiles):
    return for_few_steps(task).predict_on_batch(tiles)


def first_kernel(task):
    return to_numpy(task.backbone.image_encoder.weights[0])


def test_kernel_ofmore_bands():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 5))
    wider = adapt_kernel(kernel, RGB, ("nir", "blue", "red", "green"))
    assert wider.shape == (3, 3, 4, 5)
    np.testing.assert_array_equal(wider[:, :, 1:], kernel[:, :, [2, 0, 1]])
    np.testing.assert_allclose(wider[:, :, 0], kernel.mean(axis=2))


def test_kernel_of_fewer_bands_sees_grey_as_before():
    kernel = np.random.default_rng(0).normal(size=(1, 1, 3, 2))
    for bands in [("pan",), ("pan", "nir")]:
        fewer = adapt_kernel(kernel, RGB, bands)
        assert fewer.shape[2] == len(bands)
        np.testing.assert_allclose(fewer.sum(axis=2), kernel.sum(axis=2))
    green = adapt_kernel(kernel, RGB, ("green",))
    np.testing.assert_allclose(green[:, :, 0], 3 * kernel[:, :, 1])


def test_other_order_is_the_same_network(folder):
    tiles = tiles_of(3)
    expected = predict(keras_rsseg.from_preset(folder), tiles)
    other = keras_rsseg.from_preset(folder, bands=("blue", "red", "green"))
    assert other.bands == ("blue", "red", "green")
    assert other.class_names == ["water", "road", "land"]
    actual = predict(other, tiles[..., [2, 0, 1]])
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


def test_fourth_band(folder):
    source = keras_rsseg.from_preset(folder)
    task = keras_rsseg.HRNet.from_preset(folder, bands=(*RGB, "nir"))
    assert task.input_shape == (None, None, None, 4)
    converter = task.preprocessor.image_converter
    np.testing.assert_allclose(converter.scale, [0.01, 0.02, 0.03, 0.02])
    np.testing.assert_allclose(
        converter.offset, [-0.1, 0.0, 0.1, 0.0], atol=1e-9
    )
    assert task.ground_sample_distance == 0.5
    expected = adapt_kernel(first_kernel(source), RGB, task.bands)
    np.testing.assert_allclose(first_kernel(task), expected, rtol=1e-6)
    for old, new in list(zip(source.weights, task.weights, strict=True))[1:]:
        np.testing.assert_array_equal(to_numpy(new), to_numpy(old))
    assert predict(task, tiles_of(4)).shape == (1, 24, 24, 3)


def test_new_bands_are_saved_and_loaded(folder, tmp_path):
    task = keras_rsseg.from_preset(folder, bands=("nir", *RGB))
    task.save_to_preset(tmp_path)
    loaded = keras_rsseg.from_preset(tmp_path)
    assert loaded.bands == ("nir", *RGB)
    np.testing.assert_allclose(
        predict(loaded, tiles_of(4)),
        predict(task, tiles_of(4)),
        atol=1e-5,
    )


def test_with_other_arguments(folder):
    task = keras_rsseg.from_preset(
        folder, image_shape=(32, 48, 5), num_classes=2, dtype="mixed_bfloat16"
    )
    assert task.bands == (*RGB, "band_4", "band_5")
    assert task.output_shape == (None, 32, 48, 2)
    assert task.backbone.dtype_policy.name == "mixed_bfloat16"
    fresh = keras_rsseg.from_preset(folder, False, bands=("pan",))
    assert fresh.input_shape[-1] == 1


def test_normalisation_of_ones_own(folder):
    cls = keras_rsseg.HRNet.preprocessor_cls
    converter = cls.image_converter_cls(scale=1.0, bands=("a", "b"))
    own = cls(image_converter=converter)
    task = keras_rsseg.from_preset(folder, bands=("a", "b"), preprocessor=own)
    assert task.preprocessor is own and task.input_shape[-1] == 2


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"bands": "rgb"}, "must be names.*'rgb'"),
        ({"bands": ("red", 2)}, "must be names"),
        ({"bands": ("red", "red")}, "must differ"),
        ({"bands": ()}, "must differ"),
        (
            {"bands": ("red",), "image_shape": (None, None, 3)},
            r"number of bands.*3\)",
        ),
        ({"image_shape": (None, None, 2)}, "bands=\\("),
    ],
)
def test_bands_that_cannot_be_told_apart(folder, arguments, words):
    with pytest.raises(ValueError, match=words):
        keras_rsseg.from_preset(folder, **arguments)


def test_preset_that_does_not_name_its_bands(tmp_path):
    make_task(preprocessor=None).save_to_preset(tmp_path)
    with pytest.raises(ValueError, match="no image converter"):
        keras_rsseg.from_preset(tmp_path, bands=("pan",))
    # Without names nothing is adapted.
    task = keras_rsseg.from_preset(tmp_path, image_shape=(16, 16, 3))
    assert task.input_shape == (None, 16, 16, 3)
    assert keras.ops.shape(task.inputs[0])[-1] == 3
