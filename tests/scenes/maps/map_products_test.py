"""Products of probabilities, against formulas in float64."""

import math

import numpy as np
import pytest

from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.maps.map_products import Product
from keras_rsseg.scenes.maps.map_products import make_products
from tests.scenes.stored_maps import make_probabilities


def uncertainty(kind, probabilities, variance=None, dtype="float16"):
    product = Product("uncertainty", "doubt.tif", dtype, kind)
    return product.render(probabilities, variance)


def column(*values):
    return np.array(values, "float32")[:, None, None]


class TestProduct:
    def test_classes(self):
        probabilities = make_probabilities(30, 40)
        classes = Product("classes", "map.tif").render(probabilities)
        wanted = probabilities.argmax(axis=0)
        wanted[:10, :13] = 255
        assert classes.dtype == np.uint8
        np.testing.assert_array_equal(classes, wanted[None])

    @pytest.mark.parametrize("dtype", ["uint8", "float16"])
    def test_probabilities(self, dtype):
        probabilities = make_probabilities(30, 40)
        product = Product("probabilities", "shares.tif", dtype)
        stored = product.render(probabilities)
        assert stored.shape == (product.bands(4), 30, 40)
        assert stored.dtype == dtype
        void = stored == 255 if dtype == "uint8" else np.isnan(stored)
        np.testing.assert_array_equal(
            void, np.broadcast_to(probabilities.sum(0) == 0, void.shape)
        )
        values = stored.astype("float64") * product.scale
        error = np.abs(values - probabilities)[~void].max()
        assert error <= {"uint8": 0.00201, "float16": 2**-12}[dtype]

    def test_one_is_250_and_is_not_void(self):
        """Sums of shares can be slightly above 1."""
        product = Product("probabilities", "shares.tif")
        stored = product.render(column(1.0000001, 0))
        assert stored.ravel().tolist() == [250, 0]

    @pytest.mark.parametrize(
        "kind, values, wanted",
        [
            ("entropy", (0.25, 0.25, 0.25, 0.25), 1),
            ("entropy", (0, 1, 0, 0), 0),
            ("entropy", (0.5, 0.5, 0, 0), 0.5),
            ("margin", (0.25, 0.25, 0.25, 0.25), 1),
            ("margin", (0, 1, 0, 0), 0),
            ("margin", (0.2, 0.1, 0.6, 0.1), 0.6),
            ("margin", (0.6, 0.1, 0.1, 0.2), 0.6),
        ],
    )
    def test_uncertainty_of_known_pixels(self, kind, values, wanted):
        stored = uncertainty(kind, column(*values))
        assert stored.shape == (1, 1, 1)
        assert stored.item() == pytest.approx(wanted, abs=5e-4)
        in_steps = uncertainty(kind, column(*values), dtype="uint8")
        assert in_steps.item() == round(250 * wanted)

    @pytest.mark.parametrize("kind", ["entropy", "margin"])
    def test_uncertainty_of_random_pixels(self, kind):
        probabilities = make_probabilities(30, 40).astype("float64")
        valid = probabilities.sum(axis=0) > 0
        if kind == "entropy":
            logs = np.log(np.where(probabilities > 0, probabilities, 1))
            wanted = -(probabilities * logs).sum(axis=0) / math.log(4)
        else:
            ranked = np.sort(probabilities, axis=0)
            wanted = 1 - (ranked[-1] - ranked[-2])
        stored = uncertainty(kind, probabilities.astype("float32"))[0]
        np.testing.assert_allclose(stored[valid], wanted[valid], atol=5e-4)
        assert np.isnan(stored[~valid]).all()

    def test_variance_is_taken_as_given(self):
        """Even where it has no meaning, it leaves no trace."""
        probabilities = make_probabilities(6, 6)
        variance = np.full((6, 6), 0.04, "float32")
        variance[0, 0] = np.nan
        stored = uncertainty("variance", probabilities, variance, "uint8")[0]
        assert (stored[:2, :2] == 255).all()
        assert (stored[2:] == 10).all()
        with pytest.raises(ValueError, match="test_time_augmentation"):
            uncertainty("variance", probabilities)

    @pytest.mark.parametrize(
        "arguments, match",
        [
            (("heights", "a.tif"), "`name`.*'classes'.*'heights'"),
            (("classes", "a.tif", "float16"), "`raster_dtype`.*'float16'"),
            (("probabilities", "a.tif", "int8"), "'uint8', 'float16'"),
            (("uncertainty", "a.tif"), "`uncertainty_kind`.*'margin'.*None"),
            (("uncertainty", "a.tif", "uint8", "doubt"), "'doubt'"),
            (("classes", "a.tif", "uint8", "margin"), "`uncertainty_kind`"),
        ],
    )
    def test_bad_choices(self, arguments, match):
        with pytest.raises(ValueError, match=match):
            Product(*arguments)


def test_products_in_their_order():
    paths = {"destination": "a.tif", "uncertainty": "b.tif"}
    options = SceneOptions(uncertainty_kind="margin", raster_dtype="float16")
    products = make_products(paths, options)
    assert [product.name for product in products] == ["classes", "uncertainty"]
    assert products[0].dtype == "uint8"
    assert (products[1].dtype, products[1].kind) == ("float16", "margin")
