"""A warp must read the right pixel, and learn at the border."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from keras import ops

from keras_rsseg.ops import grid_sample
from keras_rsseg.ops import resize
from tests.gradients import gradient
from tests.ops import reference
from tests.ops.evaluate import evaluate
from tests.ops.unknown_sizes import model_of
from tests.shared import read_arrays
from tests.shared import shared_path

LAST, FIRST = "channels_last", "channels_first"
MODES = [
    (interpolation, padding_mode, align_corners)
    for interpolation in ("bilinear", "nearest")
    for padding_mode in ("zeros", "border")
    for align_corners in (False, True)
]


def random_images(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def random_grid(*shape, seed=1):
    """Coordinates that leave the image on every side."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-1.6, 1.6, (*shape, 2)).astype("float32")


def to_first(images):
    return np.moveaxis(images, -1, 1)


def run(images, grid, *arguments, **keywords):
    return evaluate(
        lambda x, g: grid_sample(x, g, *arguments, **keywords), images, grid
    )


@pytest.mark.parametrize("interpolation, padding_mode, align_corners", MODES)
@pytest.mark.parametrize("size", [(5, 7), (1, 1), (1, 4), (8, 3)])
def test_equals_plain_loops(size, interpolation, padding_mode, align_corners):
    images, grid = random_images(2, *size, 3), random_grid(2, 6, 4)
    modes = (interpolation, padding_mode, align_corners)
    expected = reference.grid_sample(images, grid, *modes)
    last = run(images, grid, *modes, LAST)
    first = run(to_first(images), grid, *modes, FIRST)
    np.testing.assert_allclose(last, expected, atol=1e-5)
    np.testing.assert_allclose(first, to_first(expected), atol=1e-5)


@settings(max_examples=6)
@given(
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.sampled_from(["zeros", "border"]),
    st.booleans(),
)
def test_any_geometry(input_size, size, padding_mode, align_corners):
    images, grid = random_images(1, *input_size, 2), random_grid(1, *size)
    modes = ("bilinear", padding_mode, align_corners)
    np.testing.assert_allclose(
        run(images, grid, *modes, LAST),
        reference.grid_sample(images, grid, *modes),
        atol=1e-5,
    )


@pytest.mark.parametrize("align_corners", [False, True])
def test_base_grid_is_a_resize(align_corners):
    images = random_images(2, 5, 7, 3)
    height, width = 11, 9
    if align_corners:
        rows, columns = np.linspace(-1, 1, height), np.linspace(-1, 1, width)
    else:
        rows = (np.arange(height) * 2 + 1) / height - 1
        columns = (np.arange(width) * 2 + 1) / width - 1
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).astype("float32")
    sampled = run(
        images,
        np.stack([grid, grid]),
        padding_mode="border",
        align_corners=align_corners,
        data_format=LAST,
    )
    resized = ops.convert_to_numpy(
        resize(images, (height, width), "bilinear", align_corners, LAST)
    )
    np.testing.assert_allclose(sampled, resized, atol=1e-5)


@pytest.mark.parametrize("padding_mode", ["zeros", "border"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_gradients_equal_differences(padding_mode, align_corners):
    images, grid = random_images(1, 4, 5, 2), random_grid(1, 5, 5)
    upstream = random_images(1, 5, 5, 2, seed=2)
    modes = ("bilinear", padding_mode, align_corners)

    def weighted_sum(images, grid):
        sampled = grid_sample(images, grid, *modes, LAST)
        return ops.sum(ops.multiply(sampled, upstream))

    def plain(images, grid):
        sampled = reference.grid_sample(images, grid, *modes)
        return (sampled * upstream).sum(axis=(0, 3))

    image_gradient, grid_gradient = gradient(weighted_sum, images, grid)
    # Linear in the images: unit images give the gradient.
    expected = [
        plain(unit.reshape(images.shape), grid).sum()
        for unit in np.eye(images.size)
    ]
    np.testing.assert_allclose(image_gradient.ravel(), expected, atol=1e-5)
    # Piecewise linear along a coordinate; the grid is clear of the kinks.
    step = 1e-4
    for axis in (0, 1):
        shift = np.zeros(2)
        shift[axis] = step
        slope = plain(images, grid + shift) - plain(images, grid - shift)
        np.testing.assert_allclose(
            grid_gradient[0, ..., axis], slope / (2 * step), atol=1e-3
        )


def test_no_grid_gradient_on_and_beyond_a_clipped_border():
    images = random_images(1, 4, 4, 1)
    coordinates = np.array([-3.0, -1.0, 1.0, 3.0], "float32")
    grid = np.stack([coordinates, np.full(4, 0.1, "float32")], axis=-1)

    def total(grid):
        return ops.sum(
            grid_sample(images, grid, "bilinear", "border", True, LAST)
        )

    (actual,) = gradient(total, grid[None, None])
    np.testing.assert_array_equal(actual[..., 0], 0.0)
    assert (actual[..., 1] != 0).all()


def test_nearest_gives_the_images_a_gradient_and_the_grid_none():
    images, grid = random_images(1, 4, 4, 2), random_grid(1, 3, 3) / 2
    image_gradient, grid_gradient = gradient(
        lambda x, g: ops.sum(grid_sample(x, g, "nearest", data_format=LAST)),
        images,
        grid,
    )
    np.testing.assert_array_equal(grid_gradient, 0.0)
    assert image_gradient.sum() == 3 * 3 * 2


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_maps_keep_float32_coordinates(dtype):
    images = ops.cast(random_images(1, 64, 64, 64), dtype)
    grid = random_grid(1, 9, 9)
    sampled = grid_sample(images, grid, data_format=LAST)
    assert keras.backend.standardize_dtype(sampled.dtype) == dtype
    sampled = ops.convert_to_numpy(ops.cast(sampled, "float32"))
    exact = reference.grid_sample(
        ops.convert_to_numpy(ops.cast(images, "float32")),
        grid,
        "bilinear",
        "zeros",
        False,
    )
    precision = {"float16": 2**-11, "bfloat16": 2**-8}[dtype]
    difference = np.abs(sampled - exact)
    assert (difference <= precision * np.abs(exact) + 1e-5).all()


def test_integer_masks_are_sampled_nearest():
    mask = np.random.default_rng(0).integers(0, 256, (1, 5, 6, 1), "uint8")
    grid = random_grid(1, 4, 4)
    sampled = run(mask, grid, "nearest", data_format=LAST)
    assert keras.backend.standardize_dtype(sampled.dtype) == "uint8"
    np.testing.assert_array_equal(
        sampled,
        reference.grid_sample(mask, grid, "nearest", "zeros", False),
    )


@pytest.mark.parametrize("interpolation, padding_mode, align_corners", MODES)
def test_nan_and_huge_coordinates_do_not_crash(
    interpolation, padding_mode, align_corners
):
    grid = np.zeros((1, 1, 4, 2), "float32")
    grid[0, 0, :3] = [[np.nan, 0.0], [1e30, 0.0], [np.inf, -np.inf]]
    modes = (interpolation, padding_mode, align_corners)
    images = np.ones((1, 3, 3, 1), "float32")
    sampled = run(images, grid, *modes, LAST)[0, 0, :, 0]
    # The healthy point is not affected, and a diverged flow shows.
    assert sampled[3] == 1.0
    assert sampled[1] == (1.0 if padding_mode == "border" else 0.0)
    if interpolation == "bilinear" and padding_mode == "zeros":
        assert np.isnan(sampled[0])


@pytest.mark.parametrize("data_format", [LAST, FIRST])
def test_sizes_unknown_while_tracing(data_format):
    modes = ("bilinear", "border", True)
    shape = (None, None, 3) if data_format == LAST else (3, None, None)
    model = model_of(
        lambda x, grid: grid_sample(x, grid, *modes, data_format),
        shape,
        (None, None, 2),
    )
    assert model.output_shape[-1 if data_format == LAST else 1] == 3
    for size in ((5, 8), (1, 3)):
        images, grid = random_images(2, *size, 3), random_grid(2, 4, 3)
        expected = reference.grid_sample(images, grid, *modes)
        if data_format == FIRST:
            images, expected = to_first(images), to_first(expected)
        np.testing.assert_allclose(
            model.predict_on_batch([images, grid]), expected, atol=1e-5
        )


def test_flow_warp_of_the_released_code():
    truth = read_arrays(shared_path("fixtures", "modules", "flow_warp.npz"))
    height, width = truth["flow"].shape[2:]
    base = np.stack(
        np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height)),
        axis=-1,
    ).astype("float32")
    size = np.array([width, height], "float32")

    def warp(coarse, flow):
        flow = ops.transpose(flow, (0, 2, 3, 1))
        grid = ops.add(ops.divide(flow, size), base)
        return grid_sample(coarse, grid, align_corners=True, data_format=FIRST)

    warped = evaluate(warp, truth["x"], truth["flow"])
    np.testing.assert_allclose(warped, truth["out"], atol=1e-5)
    gradients = gradient(
        lambda x, flow: ops.sum(ops.multiply(warp(x, flow), truth["cot_out"])),
        truth["x"],
        truth["flow"],
    )
    for name, actual in zip(("grad_x", "grad_flow"), gradients, strict=True):
        np.testing.assert_allclose(actual, truth[name], atol=2e-5)


@pytest.mark.parametrize("interpolation, padding_mode, align_corners", MODES)
def test_equals_torch_with_gradients(
    interpolation, padding_mode, align_corners
):
    torch = pytest.importorskip("torch")
    images, grid = random_images(2, 3, 5, 7), random_grid(2, 6, 4)
    # Also exactly on pixels and borders, where gradients are one-sided.
    grid[0, 0] = [[-1, -1], [1, 1], [0, 1], [1, 0]]
    upstream = random_images(2, 3, 6, 4, seed=2)
    modes = (interpolation, padding_mode, align_corners)
    tensors = [torch.tensor(a, requires_grad=True) for a in (images, grid)]
    sampled = torch.nn.functional.grid_sample(*tensors, *modes)
    (sampled * torch.tensor(upstream)).sum().backward()
    np.testing.assert_allclose(
        run(images, grid, *modes, FIRST),
        sampled.detach().numpy(),
        atol=1e-5,
    )
    actual = gradient(
        lambda x, g: ops.sum(
            ops.multiply(grid_sample(x, g, *modes, FIRST), upstream)
        ),
        images,
        grid,
    )
    for tensor, value in zip(tensors, actual, strict=True):
        np.testing.assert_allclose(value, tensor.grad.numpy(), atol=5e-5)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"images": np.zeros((4, 4, 3), "f")}, ValueError, "`images` must"),
        ({"images": np.zeros((1, 4, 4, 3), "int32")}, TypeError, "`images`"),
        ({"grid": np.zeros((1, 4, 4, 3), "f")}, ValueError, "`grid` must"),
        ({"grid": np.zeros((1, 4, 2), "f")}, ValueError, "`grid` must"),
        ({"grid": np.zeros((1, 4, 4, 2), "int32")}, TypeError, "`grid` must"),
        ({"grid": np.zeros((2, 4, 4, 2), "f")}, ValueError, "batch size"),
        ({"interpolation": "bicubic"}, ValueError, "`interpolation` must be"),
        ({"padding_mode": "reflection"}, ValueError, "`padding_mode` must be"),
        ({"data_format": "NCHW"}, ValueError, "`data_format` must be"),
    ],
)
def test_errors_name_the_argument(arguments, error, message):
    images = np.zeros((1, 4, 4, 3), "float32")
    grid = np.zeros((1, 4, 4, 2), "float32")
    with pytest.raises(error, match=message):
        grid_sample(**{"images": images, "grid": grid, **arguments})
