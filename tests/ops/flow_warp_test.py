"""A flow must point where it says, and be learnable."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from keras import ops

from keras_rsseg.ops import flow_warp
from tests.gradients import gradient
from tests.ops import reference
from tests.ops.evaluate import evaluate
from tests.ops.unknown_sizes import model_of
from tests.shared import read_arrays
from tests.shared import shared_path

LAST, FIRST = "channels_last", "channels_first"
SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))


def random_array(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def to_first(images):
    return np.moveaxis(images, -1, 1)


def run(features, flow, data_format=LAST):
    return evaluate(lambda x, f: flow_warp(x, f, data_format), features, flow)


@settings(max_examples=6)
@given(SIZES, SIZES, st.floats(0, 6), st.booleans())
def test_any_geometry_equals_plain_loops(coarse, fine, strength, first):
    features = random_array(2, *coarse, 3)
    flow = strength * random_array(2, *fine, 2, seed=1)
    expected = (
        reference.flow_warp(features, flow),
        # Zero flow is a resize with aligned corners.
        reference.resize_bilinear(features, fine, align_corners=True),
    )
    data_format = LAST
    if first:
        features, flow, *expected = map(to_first, (features, flow, *expected))
        data_format = FIRST
    actual = evaluate(
        lambda x, f: (
            flow_warp(x, f, data_format),
            flow_warp(x, ops.zeros_like(f), data_format),
        ),
        features,
        flow,
    )
    for x, y in zip(actual, expected, strict=True):
        np.testing.assert_allclose(x, y, atol=2e-5)


@settings(max_examples=5)
@given(st.integers(2, 9), st.integers(2, 9), st.integers(-12, 12))
def test_a_unit_moves_by_half_a_pixel_over_the_width(w, width, units):
    # On a ramp the value is the position. Its far ends fade to zero.
    ramp = np.arange(1, w + 1, dtype="float32").reshape(1, 1, w, 1)
    features = np.repeat(ramp, 3, axis=1)
    flow = np.zeros((1, 3, width, 2), "float32")
    flow[..., 0] = units
    start = np.arange(width) * (w - 1) / (width - 1)
    position = start + units * (w - 1) / (2 * width)
    inside = (position >= 0) & (position <= w - 1)

    def warp_right_and_down(x, f):
        turned_flow = ops.flip(ops.swapaxes(f, 1, 2), axis=-1)
        turned = flow_warp(ops.swapaxes(x, 1, 2), turned_flow, LAST)
        return flow_warp(x, f, LAST), ops.swapaxes(turned, 1, 2)

    for warped in evaluate(warp_right_and_down, features, flow):
        warped = warped[0, :, :, 0]
        expected = np.broadcast_to(position + 1, warped.shape)
        np.testing.assert_allclose(
            warped[:, inside], expected[:, inside], atol=1e-4
        )
        outside = (position <= -1) | (position >= w)
        np.testing.assert_allclose(warped[:, outside], 0, atol=1e-5)


def test_the_far_border_is_kept_at_every_size():
    # A coordinate beyond 1 by rounding would let the border fade.
    def borders(features):
        return [
            flow_warp(features, ops.zeros((1, 1, length, 2)), LAST)
            for length in (2, 3, 57, 97, 225, 1023)
        ]

    for warped in evaluate(borders, np.ones((1, 5, 7, 1), "float32")):
        np.testing.assert_allclose(warped, 1, atol=2e-6)


@pytest.mark.parametrize("data_format", [LAST, FIRST])
def test_released_flow_warp_and_its_gradients(data_format):
    truth = read_arrays(shared_path("fixtures", "modules", "flow_warp.npz"))
    truth = {
        k: v if data_format == FIRST else np.moveaxis(v, 1, -1)
        for k, v in truth.items()
    }
    inputs = truth["x"], truth["flow"]
    np.testing.assert_allclose(
        run(*inputs, data_format), truth["out"], atol=1e-5
    )
    gradients = gradient(
        lambda x, flow: ops.sum(
            ops.multiply(flow_warp(x, flow, data_format), truth["cot_out"])
        ),
        *inputs,
    )
    for name, actual in zip(("grad_x", "grad_flow"), gradients, strict=True):
        np.testing.assert_allclose(actual, truth[name], atol=2e-5)


def test_gradients_equal_differences():
    features, flow = random_array(1, 4, 5, 2), random_array(1, 6, 7, 2, seed=1)
    upstream = random_array(1, 6, 7, 2, seed=2)

    def weighted_sum(features, flow):
        return ops.sum(ops.multiply(flow_warp(features, flow, LAST), upstream))

    of_features, of_flow = gradient(weighted_sum, features, flow)
    # Linear in the features: unit features give the gradient.
    expected = [
        (
            reference.flow_warp(unit.reshape(features.shape), flow) * upstream
        ).sum()
        for unit in np.eye(features.size)
    ]
    np.testing.assert_allclose(of_features.ravel(), expected, atol=1e-5)
    # Piecewise linear along a coordinate; the flow is clear of the kinks.
    step, flow = 1e-4, flow.astype("float64")
    for axis in (0, 1):
        shift = step * np.eye(2)[axis]
        slope = reference.flow_warp(features, flow + shift)
        slope = (slope - reference.flow_warp(features, flow - shift)) / (
            2 * step
        )
        np.testing.assert_allclose(
            of_flow[..., axis], (slope * upstream).sum(-1), atol=1e-4
        )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_coordinates_are_float32_in_half_precision(dtype):
    # A bfloat16 grid of 300 columns would be off by half a pixel.
    ramp = np.arange(300, dtype="float32").reshape(1, 1, 300, 1) / 300

    def warp(x):
        flow = ops.zeros((1, 1, 300, 2), dtype)
        warped = flow_warp(ops.cast(x, dtype), flow, LAST)
        assert keras.backend.standardize_dtype(warped.dtype) == dtype
        return ops.cast(warped, "float32")

    warped = evaluate(warp, ramp)
    np.testing.assert_allclose(warped, ramp, atol=2**-8)


def test_a_flow_that_is_not_a_number_is_seen_where_it_is():
    flow = np.zeros((1, 4, 4, 2), "float32")
    flow[0, 1, 2, 0] = np.nan
    warped = run(np.ones((1, 2, 2, 1), "float32"), flow)
    expected = np.ones((1, 4, 4, 1))
    expected[0, 1, 2] = np.nan
    np.testing.assert_allclose(warped, expected, atol=1e-6)


def test_sizes_unknown_while_tracing():
    model = model_of(
        lambda x, f: flow_warp(x, f, LAST), (None, None, 3), (None, None, 2)
    )
    assert model.output_shape == (None, None, None, 3)
    for coarse, fine in (((4, 3), (8, 5)), ((1, 2), (1, 7))):
        features = random_array(2, *coarse, 3)
        flow = random_array(2, *fine, 2, seed=1)
        np.testing.assert_allclose(
            model.predict_on_batch([features, flow]),
            reference.flow_warp(features, flow),
            atol=1e-5,
        )


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"flow": np.zeros((1, 4, 4, 3), "f")}, ValueError, "`flow` must have"),
        ({"flow": np.zeros((4, 4, 2), "f")}, ValueError, "`flow` must have"),
        ({"flow": np.zeros((1, 4, 4, 2), "int32")}, TypeError, "`flow` must"),
        ({"flow": np.zeros((2, 4, 4, 2), "f")}, ValueError, "batch size"),
        ({"features": np.zeros((1, 4, 4, 3), "int32")}, TypeError, "int32"),
        ({"data_format": "NCHW"}, ValueError, "`data_format` must be"),
        ({"data_format": FIRST}, ValueError, "`flow` must have.*_first"),
    ],
)
def test_errors_name_the_argument(arguments, error, message):
    features = np.zeros((1, 4, 4, 3), "float32")
    flow = np.zeros((1, 4, 4, 2), "float32")
    with pytest.raises(error, match=message):
        flow_warp(
            **{
                "features": features,
                "flow": flow,
                "data_format": LAST,
                **arguments,
            }
        )
