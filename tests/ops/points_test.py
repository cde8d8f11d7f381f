"""Points must keep to their pixel and image, and keep gradients."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.ops import gather_points
from keras_rsseg.ops import sample_points
from keras_rsseg.ops import scatter_points
from tests.gradients import gradient
from tests.ops import reference
from tests.ops.evaluate import evaluate
from tests.ops.unknown_sizes import model_of

LAST, FIRST = "channels_last", "channels_first"
INDICES = np.array([[3, 0, 34], [7, 20, 6]], "int32")


def random_array(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def to_format(images, data_format):
    return images if data_format == LAST else np.moveaxis(images, -1, 1)


def plain_scatter(features, indices, values):
    written = features.reshape(len(features), -1, features.shape[-1]).copy()
    for b, k in np.ndindex(*indices.shape):
        written[b, indices[b, k]] = values[b, k]
    return written.reshape(features.shape)


@pytest.mark.parametrize("data_format", [LAST, FIRST])
def test_gather_reads_rows_first(data_format):
    features = random_array(2, 5, 7, 3)
    gathered = evaluate(
        lambda x, i: gather_points(x, i, data_format),
        to_format(features, data_format),
        INDICES,
    )
    flat = features.reshape(2, 35, 3)
    expected = np.stack([flat[b, INDICES[b]] for b in range(2)])
    np.testing.assert_array_equal(gathered, expected)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_gather_takes_any_integers(dtype):
    features = np.arange(35, dtype="int32").reshape(1, 5, 7, 1)
    gathered = gather_points(features, INDICES[1:].astype(dtype), LAST)
    assert keras.backend.standardize_dtype(gathered.dtype) == "int32"
    assert ops.convert_to_numpy(gathered).ravel().tolist() == [7, 20, 6]


@pytest.mark.parametrize("data_format", [LAST, FIRST])
def test_scatter_overwrites(data_format):
    features, values = random_array(2, 5, 7, 3), random_array(2, 3, 3, seed=1)
    written = evaluate(
        lambda x, i, v: scatter_points(x, i, v, data_format),
        to_format(features, data_format),
        INDICES,
        values,
    )
    expected = to_format(plain_scatter(features, INDICES, values), data_format)
    np.testing.assert_array_equal(written, expected)


def test_many_unique_points_take_little_memory():
    # Compared with one another, these would take 16 GiB.
    features = random_array(1, 256, 256, 1)
    indices = np.random.default_rng(0).permutation(256 * 256)[None]
    values = random_array(1, 256 * 256, 1, seed=1)
    written = scatter_points(features, indices, values, LAST, unique=True)
    found = ops.convert_to_numpy(written).reshape(-1)
    np.testing.assert_array_equal(found[indices[0]], values[0, :, 0])


def test_the_last_of_equal_points_wins_with_its_gradient():
    features, values = random_array(1, 4, 4, 2), random_array(1, 40, 2)
    indices = np.random.default_rng(2).integers(0, 16, (1, 40), "int32")
    upstream = random_array(1, 4, 4, 2, seed=3)
    written = evaluate(
        lambda x, i, v: scatter_points(x, i, v, LAST),
        features,
        indices,
        values,
    )
    np.testing.assert_array_equal(
        written, plain_scatter(features, indices, values)
    )

    def weighted_sum(features, values):
        written = scatter_points(features, indices, values, LAST)
        return ops.sum(ops.multiply(written, upstream))

    feature_gradient, value_gradient = gradient(weighted_sum, features, values)
    last = {index: k for k, index in enumerate(indices[0])}
    expected = np.zeros_like(values)
    for index, k in last.items():
        expected[0, k] = upstream.reshape(16, 2)[index]
    np.testing.assert_allclose(value_gradient, expected)
    untouched = plain_scatter(
        np.ones_like(features), indices, np.zeros_like(values)
    )
    np.testing.assert_allclose(feature_gradient, untouched * upstream)


def test_gather_gradient_counts_repeated_points():
    features = random_array(1, 3, 3, 2)
    upstream = random_array(1, 4, 2, seed=1)
    indices = np.array([[4, 4, 0, 8]], "int32")
    (actual,) = gradient(
        lambda x: ops.sum(
            ops.multiply(gather_points(x, indices, LAST), upstream)
        ),
        features,
    )
    expected = np.zeros((9, 2))
    np.add.at(expected, indices[0], upstream[0])
    np.testing.assert_allclose(actual.reshape(9, 2), expected, atol=1e-6)


@pytest.mark.parametrize("index", [-1, 6])
def test_gathering_outside_gives_nan_and_no_other_image(index):
    features = random_array(3, 2, 3, 1)
    indices = np.array([[0], [index], [5]], "int32")

    def gather(features):
        return gather_points(features, indices, LAST)

    gathered = evaluate(gather, features)[:, 0, 0]
    expected = [features[0, 0, 0, 0], np.nan, features[2, 1, 2, 0]]
    np.testing.assert_array_equal(gathered, expected)
    # In a mask it is void.
    mask = np.arange(18, dtype="uint8").reshape(3, 2, 3, 1)
    assert evaluate(gather, mask).ravel().tolist() == [0, 255, 17]
    (actual,) = gradient(
        lambda x: ops.sum(ops.where(ops.isnan(gather(x)), 0.0, gather(x))),
        features,
    )
    expected = np.zeros_like(features)
    expected[0, 0, 0], expected[2, 1, 2] = 1.0, 1.0
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("index", [-1, 6])
def test_scattering_outside_touches_no_other_image(index):
    features = random_array(3, 2, 3, 1)
    indices = np.array([[0], [index], [5]], "int32")
    values = np.full((3, 1, 1), 9.0, "float32")

    def scatter(features):
        return scatter_points(features, indices, values, LAST)

    if keras.backend.backend() == "jax":
        expected = features.copy()
        expected[0, 0, 0], expected[2, 1, 2] = 9.0, 9.0
        np.testing.assert_array_equal(evaluate(scatter, features), expected)
    else:
        with pytest.raises(
            Exception, match="(?i)out of (range|bounds)|indices"
        ):
            evaluate(scatter, features)


@pytest.mark.parametrize("data_format", [LAST, FIRST])
def test_sample_reads_between_pixels(data_format):
    features = random_array(2, 5, 7, 3)
    points = np.random.default_rng(1).uniform(-0.1, 1.1, (2, 9, 2))
    sampled = evaluate(
        lambda x, p: sample_points(x, p, data_format),
        to_format(features, data_format),
        points.astype("float32"),
    )
    size = np.array([7, 5])
    for b, k in np.ndindex(2, 9):
        x, y = points[b, k] * size - 0.5
        expected = reference.bilinear(features[b : b + 1], y, x)[0]
        np.testing.assert_allclose(sampled[b, k], expected, atol=1e-5)


def test_sampling_pixel_centres_gathers():
    features = random_array(2, 5, 7, 3)
    centres = np.stack([INDICES % 7 + 0.5, INDICES // 7 + 0.5], axis=-1)
    points = (centres / [7, 5]).astype("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(sample_points(features, points, LAST)),
        ops.convert_to_numpy(gather_points(features, INDICES, LAST)),
        atol=1e-5,
    )


@pytest.mark.parametrize("data_format", [LAST, FIRST])
def test_sizes_unknown_while_tracing(data_format):
    shape = (None, None, 3) if data_format == LAST else (3, None, None)
    model = model_of(
        lambda x, i, p: (
            scatter_points(
                x, i, gather_points(x, i, data_format) + 1.0, data_format
            ),
            sample_points(x, p, data_format),
        ),
        shape,
        ((None,), "int32"),
        (None, 2),
    )
    assert model.output_shape[0] == (None, *shape)
    for size in ((5, 7), (2, 3)):
        features = random_array(2, *size, 3)
        indices = np.array([[5, 1], [0, 3]], "int32")
        points = np.full((2, 1, 2), 0.5, "float32")
        written, sampled = model.predict_on_batch(
            [to_format(features, data_format), indices, points]
        )
        flat = features.reshape(2, -1, 3)
        values = np.stack([flat[b, indices[b]] for b in range(2)]) + 1
        expected = plain_scatter(features, indices, values)
        np.testing.assert_allclose(
            written, to_format(expected, data_format), atol=1e-6
        )
        centre = reference.bilinear(
            features, (size[0] - 1) / 2, (size[1] - 1) / 2
        )
        np.testing.assert_allclose(sampled[:, 0], centre, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_keeps_its_dtype(dtype):
    features = ops.cast(random_array(2, 5, 7, 3), dtype)
    values = random_array(2, 3, 3)
    for result in (
        gather_points(features, INDICES, LAST),
        scatter_points(features, INDICES, values, LAST),
        sample_points(features, np.full((2, 1, 2), 0.5, "float32"), LAST),
    ):
        assert keras.backend.standardize_dtype(result.dtype) == dtype


def test_errors_name_the_argument():
    features = np.zeros((2, 5, 7, 3), "float32")
    values = np.zeros((2, 3, 3), "float32")
    points = np.zeros((2, 3, 2), "float32")
    with pytest.raises(ValueError, match="`features` must have shape"):
        gather_points(features[0], INDICES, LAST)
    with pytest.raises(ValueError, match="`indices` must have shape"):
        gather_points(features, INDICES[0], LAST)
    with pytest.raises(TypeError, match="`indices` must be integers"):
        gather_points(features, INDICES.astype("float32"), LAST)
    with pytest.raises(ValueError, match="`values` must have shape"):
        scatter_points(features, INDICES, values[0], LAST)
    with pytest.raises(ValueError, match="`values` must have one row"):
        scatter_points(features, INDICES, values[:, :2], LAST)
    with pytest.raises(ValueError, match="`points` must have shape"):
        sample_points(features, points[0], LAST)
    with pytest.raises(TypeError, match="`points` must be floating"):
        sample_points(features, points.astype("int32"), LAST)
    with pytest.raises(ValueError, match="`data_format` must be"):
        gather_points(features, INDICES, "last")
