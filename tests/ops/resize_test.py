"""A resize off by half a pixel shifts every map; a slow one delays steps."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from keras import ops

from keras_rsseg.ops import resize
from keras_rsseg.ops.portable import portable_graph
from keras_rsseg.ops.resize import interpolation_matrix
from tests.gradients import gradient
from tests.ops import reference
from tests.ops.evaluate import evaluate
from tests.ops.unknown_sizes import model_of

LAST, FIRST = "channels_last", "channels_first"
SIZES = [
    ((4, 4), (8, 8)),
    ((5, 3), (7, 11)),
    ((7, 11), (5, 3)),
    ((1, 1), (3, 2)),
    ((3, 2), (1, 1)),
    ((1, 6), (6, 1)),
    ((13, 9), (25, 17)),
]


def random_images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def to_first(images):
    return np.moveaxis(images, -1, 1)


def run(images, *arguments, **keywords):
    return evaluate(lambda x: resize(x, *arguments, **keywords), images)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("input_size, size", SIZES)
def test_bilinear_equals_plain_loops(input_size, size, align_corners):
    images = random_images(2, *input_size, 3)
    expected = reference.resize_bilinear(images, size, align_corners)
    last = run(images, size, "bilinear", align_corners, LAST)
    first = run(to_first(images), size, "bilinear", align_corners, FIRST)
    np.testing.assert_allclose(last, expected, atol=5e-6)
    np.testing.assert_allclose(first, to_first(expected), atol=5e-6)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("input_size, size", SIZES)
def test_portable_graphs_resize_the_same(input_size, size, align_corners):
    images = random_images(2, *input_size, 3)
    expected = run(images, size, "bilinear", align_corners, LAST)
    with portable_graph():
        portable = run(images, size, "bilinear", align_corners, LAST)
    np.testing.assert_allclose(portable, expected, atol=5e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
@pytest.mark.parametrize("input_size, size", SIZES)
def test_nearest_copies_pixels_of_any_dtype(input_size, size, dtype):
    images = np.random.default_rng(0).integers(0, 256, (2, *input_size, 3))
    images = images.astype(dtype)
    expected = reference.resize_nearest(images, size)
    last = run(images, size, "nearest", data_format=LAST)
    first = run(to_first(images), size, "nearest", data_format=FIRST)
    assert keras.backend.standardize_dtype(last.dtype) == dtype
    np.testing.assert_array_equal(last, expected)
    np.testing.assert_array_equal(first, to_first(expected))


@settings(max_examples=6)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.booleans(),
)
def test_any_geometry(input_size, size, align_corners):
    images = random_images(1, *input_size, 2)
    np.testing.assert_allclose(
        run(images, size, "bilinear", align_corners, LAST),
        reference.resize_bilinear(images, size, align_corners),
        atol=5e-6,
    )
    np.testing.assert_array_equal(
        run(images, size, "nearest", data_format=LAST),
        reference.resize_nearest(images, size),
    )


@pytest.mark.parametrize("align_corners", [False, True])
def test_same_size_is_the_identity(align_corners):
    images = random_images(1, 97, 75, 2)
    same = run(images, (97, 75), "bilinear", align_corners, LAST)
    # Half-pixel positions are rounded in float32, also in torch.
    atol = 0 if align_corners else 1e-5
    np.testing.assert_allclose(same, images, atol=atol)
    same = run(images, (97, 75), "nearest", data_format=LAST)
    np.testing.assert_array_equal(same, images)


def test_align_corners_keeps_corners_and_large_maps_stay_exact():
    ramp = np.arange(600, dtype="float32").reshape(1, 1, 600, 1)
    resized = run(ramp, (1, 1199), "bilinear", True, LAST)
    np.testing.assert_allclose(
        resized[0, 0, :, 0], np.arange(1199) / 2, atol=1e-4
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("data_format", [LAST, FIRST])
def test_half_precision_rounds_only_the_result(dtype, data_format):
    images = ops.cast(random_images(1, 9, 7, 64), dtype)
    exact = reference.resize_bilinear(
        ops.convert_to_numpy(ops.cast(images, "float32")), (100, 90), False
    )
    if data_format == FIRST:
        images, exact = ops.transpose(images, (0, 3, 1, 2)), to_first(exact)
    resized = resize(images, (100, 90), data_format=data_format)
    assert keras.backend.standardize_dtype(resized.dtype) == dtype
    resized = ops.convert_to_numpy(ops.cast(resized, "float32"))
    precision = {"float16": 2**-11, "bfloat16": 2**-8}[dtype]
    difference = np.abs(resized - exact)
    # Twice: torch rounds a product on the way.
    assert (difference <= 2 * precision * np.abs(exact).max()).all()


@pytest.mark.parametrize("data_format", [LAST, FIRST])
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(
    "input_size, size", [((3, 4), (7, 5)), ((6, 5), (2, 3)), ((1, 2), (2, 1))]
)
def test_gradient_is_the_transposed_resize(
    input_size, size, align_corners, data_format
):
    images = random_images(2, *input_size, 3)
    upstream = random_images(2, *size, 3)
    # The resize is linear: resize each unit image to get its matrix.
    units = np.eye(input_size[0] * input_size[1])
    units = units.reshape(1, *input_size, -1)
    matrix = reference.resize_bilinear(units, size, align_corners)[0]
    expected = np.einsum("bHWc,HWp->bpc", upstream, matrix)
    expected = expected.reshape(images.shape)
    if data_format == FIRST:
        images, upstream, expected = map(to_first, (images, upstream, expected))

    def weighted_sum(x):
        resized = resize(x, size, "bilinear", align_corners, data_format)
        return ops.sum(ops.multiply(resized, upstream))

    (actual,) = gradient(weighted_sum, images)
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_gradient_in_half_precision_has_the_images_dtype():
    images = random_images(1, 4, 4, 2).astype("float16")

    def total(x):
        resized = resize(x, (8, 8), data_format=LAST)
        return ops.sum(ops.cast(resized, "float32"))

    (actual,) = gradient(total, images)
    assert actual.dtype == np.float16
    assert abs(actual.astype("float32").sum() - 2 * 64) < 1


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("data_format", [LAST, FIRST])
def test_sizes_unknown_while_tracing(interpolation, data_format):
    def resize_like(fine, coarse):
        axis = 1 if data_format == LAST else 2
        size = tuple(ops.shape(fine)[axis : axis + 2])
        return resize(coarse, size, interpolation, data_format=data_format)

    shape = (None, None, 3) if data_format == LAST else (3, None, None)
    model = model_of(resize_like, shape, shape)
    channel_axis = -1 if data_format == LAST else 1
    assert model.output_shape[channel_axis] == 3
    for height, width in ((5, 8), (16, 3), (1, 2)):
        fine = random_images(2, height, width, 3)
        coarse = random_images(2, 4, 6, 3)
        if interpolation == "bilinear":
            expected = reference.resize_bilinear(coarse, (height, width), False)
        else:
            expected = reference.resize_nearest(coarse, (height, width))
        if data_format == FIRST:
            fine, coarse, expected = map(to_first, (fine, coarse, expected))
        actual = model.predict_on_batch([fine, coarse])
        np.testing.assert_allclose(actual, expected, atol=5e-6)


def test_training_through_it_compiles():
    layer = model_of(lambda x: resize(x, (8, 8), data_format=LAST), (4, 4, 2))
    model = keras.Sequential([keras.layers.Dense(2), layer])
    model.compile("sgd", "mse")
    images, target = random_images(2, 4, 4, 2), random_images(2, 8, 8, 2)
    losses = [model.train_on_batch(images, target) for _ in range(5)]
    assert losses[-1] < losses[0]


def test_interpolation_matrix_is_the_resize_of_one_axis():
    signal = random_images(1, 5, 1, 1)
    matrix = ops.convert_to_numpy(interpolation_matrix(9, 5, True))
    expected = reference.resize_bilinear(signal, (9, 1), True)[0, :, 0, 0]
    np.testing.assert_allclose(matrix @ signal[0, :, 0, 0], expected, atol=1e-6)


def test_equals_torch():
    torch = pytest.importorskip("torch")
    images = random_images(2, 3, 13, 9)
    for size in ((25, 90), (6, 4)):
        for mode, align_corners in (
            ("bilinear", False),
            ("bilinear", True),
            ("nearest", None),
        ):
            expected = torch.nn.functional.interpolate(
                torch.tensor(images), size, None, mode, align_corners
            )
            actual = run(images, size, mode, bool(align_corners), FIRST)
            np.testing.assert_allclose(actual, expected.numpy(), atol=5e-6)


def test_nearest_rounds_as_torch_where_the_ratio_is_not_exact():
    # 109 * (2 / 218) is 1 - 2**-24 in float32, and torch takes pixel 0.
    pixels = np.arange(2).reshape(1, 2, 1, 1)
    resized = run(pixels, (218, 1), "nearest", data_format=LAST)
    scale = np.float32(2) / np.float32(218)
    expected = np.floor(np.arange(218, dtype="float32") * scale)
    np.testing.assert_array_equal(resized[0, :, 0, 0], expected)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"size": 8}, ValueError, "`size` must be a pair"),
        ({"size": (8, 0)}, ValueError, "`size.1.` must be a positive integer"),
        (
            {"size": (8, 2.5)},
            ValueError,
            "`size.1.` must be a positive integer",
        ),
        ({"size": (8, None)}, ValueError, "`size.1.` must be a positive"),
        ({"interpolation": "cubic"}, ValueError, "`interpolation` must be"),
        ({"data_format": "NHWC"}, ValueError, "`data_format` must be"),
        ({"images": np.zeros((4, 4, 3), "f")}, ValueError, "`images` must"),
        ({"images": np.zeros((1, 4, 4, 3), "int32")}, TypeError, "`images`"),
        (
            {"interpolation": "nearest", "align_corners": True},
            ValueError,
            "`align_corners=True` needs",
        ),
    ],
)
def test_errors_name_the_argument(arguments, error, message):
    images = np.zeros((1, 4, 4, 3), "float32")
    with pytest.raises(error, match=message):
        resize(**{"images": images, "size": (8, 8), **arguments})
