"""Several views of each tile: their mean, their variance, one shape each."""

import numpy as np
import pytest
import rasterio

from tests.scenes.predict_scene_test import predict
from tests.scenes.scene_files import NUM_CLASSES
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene


def shifted_model(tiles):
    """The value three pixels to the left: a result with a direction."""
    return np.roll(threshold_model(tiles), 3, axis=2)


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


class TestViews:
    @pytest.mark.parametrize("kind", ["flips", "d4"])
    def test_views_are_put_back_in_place(self, tmp_path, kind):
        pixels = random_scene(57, 75)
        scene = write_scene(tmp_path / "scene.tif", pixels)
        calls = []

        def watched(tiles):
            calls.append(tiles.shape)
            return threshold_model(tiles)

        _, classes = predict(
            watched,
            scene,
            tmp_path / "map.tif",
            test_time_augmentation=kind,
            uncertainty=tmp_path / "variance.tif",
            uncertainty_kind="variance",
        )
        np.testing.assert_array_equal(classes, threshold_classes(pixels))
        # Nine tiles in three batches.
        assert len(calls) == 3 * {"flips": 4, "d4": 8}[kind]
        assert len(set(calls)) == 1
        with rasterio.open(tmp_path / "variance.tif") as dataset:
            np.testing.assert_array_equal(dataset.read(1), 0)

    def test_mean_and_variance_are_those_of_the_views(self, tmp_path):
        """For one tile, so that nothing else interferes."""
        pixels = random_scene(32, 32)
        scene = write_scene(tmp_path / "scene.tif", pixels)
        paths = {
            "probabilities": tmp_path / "probabilities.tif",
            "uncertainty": tmp_path / "variance.tif",
        }
        predict(
            shifted_model,
            scene,
            tmp_path / "map.tif",
            test_time_augmentation="flips",
            uncertainty_kind="variance",
            raster_dtype="float16",
            **paths,
        )
        tile = np.moveaxis(pixels, 0, -1)
        views = []
        for axes in ((), (0,), (1,), (0, 1)):
            view = np.flip(tile, axes) if axes else tile
            answer = softmax(shifted_model(view[None])[0])
            views.append(np.flip(answer, axes) if axes else answer)
        with rasterio.open(paths["probabilities"]) as dataset:
            found = np.moveaxis(dataset.read(), 0, -1)
        np.testing.assert_allclose(found, np.mean(views, 0), atol=1e-3)
        variance = np.var(views, axis=0).sum(-1)
        assert variance.max() > 0.4
        with rasterio.open(paths["uncertainty"]) as dataset:
            np.testing.assert_allclose(dataset.read(1), variance, atol=1e-3)

    def test_scales_have_one_shape_each(self, tmp_path):
        coarse = random_scene(10, 12)
        pixels = np.kron(coarse, np.ones((8, 8), "uint8"))
        scene = write_scene(tmp_path / "scene.tif", pixels)
        shapes = []

        def watched(tiles):
            shapes.append(tiles.shape)
            return threshold_model(tiles)

        result, classes = predict(
            watched,
            scene,
            tmp_path / "map.tif",
            scales=(0.5, 1.0, 2.0),
            batch_size=2,
            tile_size=64,
        )
        assert set(shapes) == {(2, size, size, 3) for size in (32, 64, 128)}
        truth = threshold_classes(pixels)
        # Scaling mixes colours at the borders between blocks of eight.
        assert (classes == truth).mean() > 0.9
        inner = np.arange(80)[:, None] % 8, np.arange(96) % 8
        inner = np.logical_and(*((part > 1) & (part < 6) for part in inner))
        np.testing.assert_array_equal(classes[inner], truth[inner])
        assert result.valid_share == 1

    def test_nan_of_a_scaled_view_is_found(self, tmp_path):
        scene = write_scene(tmp_path / "scene.tif", random_scene(40, 40))

        def sometimes(tiles):
            logits = threshold_model(tiles)
            if tiles.shape[1] == 32:
                logits[:, 3, 4, 1] = np.nan
            return logits

        with pytest.raises(ValueError, match="not finite"):
            predict(
                sometimes,
                scene,
                tmp_path / "map.tif",
                scales=(1.0, 0.5),
                tile_size=64,
            )
        assert list(tmp_path.iterdir()) == [scene]

    def test_variance_needs_several_views(self, tmp_path):
        scene = write_scene(tmp_path / "scene.tif", random_scene(40, 40))
        with pytest.raises(ValueError, match="needs several views"):
            predict(
                threshold_model,
                scene,
                tmp_path / "map.tif",
                uncertainty=tmp_path / "u.tif",
                uncertainty_kind="variance",
            )
        assert list(tmp_path.iterdir()) == [scene]


def test_all_products_of_a_resampled_scene_agree(tmp_path):
    """The likeliest class of the probabilities is the map's."""
    pixels = random_scene(70, 90)
    pixels[:, :20, :33] = 0
    scene = write_scene(tmp_path / "scene.tif", pixels, nodata=0)
    paths = {
        name: tmp_path / f"{name}.tif"
        for name in ("probabilities", "uncertainty")
    }
    result, classes = predict(
        lambda tiles: threshold_model(tiles) / 8,
        scene,
        tmp_path / "map.tif",
        ground_sample_distance=0.8,
        strip_height=32,
        raster_dtype="float16",
        **paths,
    )
    assert (result.probabilities, result.uncertainty) == tuple(paths.values())
    invalid = np.zeros((70, 90), bool)
    invalid[:20, :33] = True
    np.testing.assert_array_equal(classes == 255, invalid)
    with rasterio.open(paths["probabilities"]) as dataset:
        found = dataset.read()
    assert len(found) == NUM_CLASSES
    np.testing.assert_array_equal(np.isnan(found).all(0), invalid)
    np.testing.assert_allclose(found[:, ~invalid].sum(0), 1, atol=2e-3)
    best = np.take_along_axis(
        found[:, ~invalid], classes[~invalid][None].astype(int), 0
    )
    assert (best >= found[:, ~invalid].max(0) - 1e-3).all()
    with rasterio.open(paths["uncertainty"]) as dataset:
        found = dataset.read(1)
    np.testing.assert_array_equal(np.isnan(found), invalid)
    assert 0 < found[~invalid].min() <= found[~invalid].max() <= 1
