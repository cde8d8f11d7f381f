"""The fast way must equal the plain formula up to rounding, with gradients."""

import importlib

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from keras import ops

from keras_rsseg.ops import upsampled_conv
from tests.gradients import gradient
from tests.layers import plain
from tests.ops import reference
from tests.ops.evaluate import evaluate
from tests.ops.unknown_sizes import model_of
from tests.test_case import to_numpy

LAST, FIRST = "channels_last", "channels_first"
# Even and odd ratios, a repeated size, a map of one pixel.
SIZES = ((7, 9), (4, 5), (7, 9), (1, 1), (2, 3))
CHANNELS = (3, 2, 1, 4, 2)


def random_maps(sizes=SIZES, channels=CHANNELS, batch=2):
    rng = np.random.default_rng(0)
    return [
        rng.standard_normal((batch, *size, n)).astype("float32")
        for size, n in zip(sizes, channels, strict=True)
    ]


def random_kernel(taps, channels=CHANNELS, filters=5):
    rng = np.random.default_rng(1)
    shape = (taps, taps, sum(channels), filters)
    return rng.standard_normal(shape).astype("float32")


def loops(maps, kernel, size, align_corners):
    resized = [reference.resize_bilinear(x, size, align_corners) for x in maps]
    return plain.convolution(np.concatenate(resized, axis=-1), kernel)


def to_first(x):
    return ops.transpose(x, (0, 3, 1, 2))


def convolve(maps, kernel, data_format=LAST, **options):
    """Channels-last in and out."""
    if data_format == LAST:
        return upsampled_conv(maps, kernel, data_format=LAST, **options)
    maps = [to_first(x) for x in maps]
    x = upsampled_conv(maps, kernel, data_format=FIRST, **options)
    return ops.transpose(x, (0, 2, 3, 1))


def run(maps, kernel, **options):
    return evaluate(
        lambda kernel, *maps: convolve(maps, kernel, **options), kernel, *maps
    )


def assert_close(actual, expected, tolerance):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)


def skip_unless_supported(data_format, method):
    if (
        keras.backend.backend() == "tensorflow"
        and data_format == FIRST
        and method != "coarse"
    ):
        pytest.skip("TensorFlow's CPU convolution is channels-last only")


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("taps", [1, 3, 15])
@pytest.mark.parametrize("data_format", [LAST, FIRST])
@pytest.mark.parametrize("method", ["coarse", "plain"])
def test_equals_plain_loops(method, data_format, taps, align_corners):
    skip_unless_supported(data_format, method)
    maps, kernel, size = random_maps(), random_kernel(taps), (6, 11)
    options = {"align_corners": align_corners, "method": method}
    actual = run(maps, kernel, size=size, data_format=data_format, **options)
    expected = loops(maps, kernel, size, align_corners)
    assert_close(actual, expected, 2e-6)


@pytest.mark.parametrize("method", ["coarse", "auto"])
def test_maps_of_the_size_asked_for_are_not_resized(method):
    maps, kernel = random_maps(), random_kernel(3)
    expected = loops(maps, kernel, SIZES[0], True)
    for size in (None, SIZES[0]):
        actual = run(maps, kernel, size=size, align_corners=True, method=method)
        assert_close(actual, expected, 2e-6)
    alone = run(maps[:1], kernel[:, :, :3], method=method)
    expected = plain.convolution(maps[0], kernel[:, :, :3])
    assert_close(alone, expected, 2e-6)


@pytest.mark.parametrize("size", [SIZES[0], (6, 11)], ids=["own", "other"])
@pytest.mark.parametrize("data_format", [LAST, FIRST])
@pytest.mark.parametrize("method", ["coarse", "plain"])
def test_bias_is_added_once(method, data_format, size):
    skip_unless_supported(data_format, method)
    maps, kernel = random_maps(), random_kernel(3)
    bias = np.arange(5, dtype="float32") * 10
    options = {"size": size, "data_format": data_format, "method": method}
    actual = run(maps, kernel, bias=bias, **options)
    expected = loops(maps, kernel, size, False) + bias
    assert_close(actual, expected, 2e-6)


@pytest.mark.parametrize("transposed", [False, True])
def test_channels_first_maps_can_lie_either_way_in_memory(transposed):
    maps, kernel = random_maps(), random_kernel(3, filters=16)
    tensors = [
        to_first(ops.convert_to_tensor(x))
        if transposed
        else ops.convert_to_tensor(x.transpose(0, 3, 1, 2).copy())
        for x in maps
    ]
    x = upsampled_conv(
        tensors, kernel, (6, 11), method="coarse", data_format=FIRST
    )
    expected = loops(maps, kernel, (6, 11), False).transpose(0, 3, 1, 2)
    assert_close(to_numpy(x), expected, 2e-6)


# In Keras on torch's CPU, one filter for one tile has no gradient.
@pytest.mark.parametrize("batch, filters", [(2, 5), (1, 1)])
@pytest.mark.parametrize("data_format", [LAST, FIRST])
def test_gradients_are_those_of_the_plain_way(data_format, batch, filters):
    skip_unless_supported(data_format, "plain")
    maps, kernel = random_maps(batch=batch), random_kernel(3, filters=filters)
    rng = np.random.default_rng(2)
    weights = rng.standard_normal((batch, *SIZES[0], filters))
    weights = weights.astype("float32")

    def gradients(method):
        def loss(kernel, *maps):
            x = convolve(maps, kernel, data_format, method=method)
            return ops.sum(ops.sin(x) * ops.convert_to_tensor(weights))

        return gradient(loss, kernel, *maps)

    actual, expected = gradients("coarse"), gradients("plain")
    for one, other in zip(actual, expected, strict=True):
        assert_close(one, other, 1e-5)


@settings(max_examples=6)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.sampled_from([1, 3, 5]),
    st.booleans(),
)
def test_any_geometry(map_size, size, taps, align_corners):
    maps = random_maps((map_size,), (2,), batch=1)
    kernel = random_kernel(taps, (2,), 3)
    options = {"align_corners": align_corners, "method": "coarse"}
    actual = run(maps, kernel, size=size, **options)
    expected = loops(maps, kernel, size, align_corners)
    assert_close(actual, expected, 3e-6)


@pytest.mark.parametrize("method", ["coarse", "auto"])
def test_unknown_sizes(method):
    kernel = random_kernel(3, (3, 2, 4))
    model = model_of(
        lambda *maps: upsampled_conv(
            maps, kernel, method=method, data_format=LAST
        ),
        *[(None, None, n) for n in (3, 2, 4)],
    )
    assert model.output_shape == (None, None, None, 5)
    for sizes in (SIZES[:3], ((4, 4), (1, 1), (2, 2))):
        maps = random_maps(sizes, (3, 2, 4))
        expected = loops(maps, kernel, sizes[0], False)
        assert_close(model.predict_on_batch(maps), expected, 2e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32(dtype):
    sizes, channels = ((16, 16), (2, 2)), (2, 256)
    maps, kernel = random_maps(sizes, channels), random_kernel(3, channels)

    def rounded(x):
        return to_numpy(ops.cast(ops.cast(x, dtype), "float32"))

    def call(kernel, *maps):
        kernel, *maps = [ops.cast(x, dtype) for x in (kernel, *maps)]
        x = convolve(maps, kernel, method="coarse")
        assert keras.backend.standardize_dtype(x.dtype) == dtype
        return ops.cast(x, "float32")

    actual = evaluate(call, kernel, *maps)
    maps, kernel = [rounded(x) for x in maps], rounded(kernel)
    expected = loops(maps, kernel, sizes[0], False)
    # Two roundings: of the finest map's convolution and of the sum. Rounded
    # maps before the sum would be ten times as far off.
    precision = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    assert_close(actual, expected, 1.5 * precision)


@pytest.mark.parametrize(
    "change, error, named",
    [
        ({"maps": []}, ValueError, "`maps` must hold"),
        ({"kernel": random_kernel(2)}, ValueError, "`kernel` must be square"),
        ({"kernel": random_kernel(3, (4,))}, ValueError, r"\[3, 2, 1, 4, 2\]"),
        ({"method": "fast"}, ValueError, "`method` must be .*'fast'"),
        ({"size": (7,)}, ValueError, "`size` must be"),
        ({"maps": [np.ones((1, 4, 4, 12), "int32")]}, TypeError, "int32"),
    ],
)
def test_bad_arguments_are_named(change, error, named):
    arguments = {"maps": random_maps(), "kernel": random_kernel(3), **change}
    with pytest.raises(error, match=named):
        upsampled_conv(**arguments, data_format=LAST)


@pytest.mark.parametrize(
    "side, channels, taps, pays",
    [
        (16, 64, 3, True),
        (16, 18, 15, True),
        # Dense matrices along long axes, without benefit.
        (64, 1, 1, False),
    ],
)
def test_the_faster_way_is_chosen_by_shape(side, channels, taps, pays):
    module = importlib.import_module("keras_rsseg.ops.upsampled_conv")
    if not module.is_on_cpu(ops.zeros(1)):
        pytest.skip("It was measured on CPUs")
    coarse = ops.zeros((1, side // 2, side // 2, channels))
    kernel = ops.zeros((taps, taps, channels, 8))
    arguments = [coarse], kernel, (side, side), [False], LAST
    assert module._coarse_pays(*arguments) is pays
