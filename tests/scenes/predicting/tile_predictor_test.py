"""Views of tiles and the way back, and the benefit of their mean."""

import gc
import weakref

import keras
import numpy as np
import pytest

from keras_rsseg.scenes.predicting.run_identity import model_identity
from keras_rsseg.scenes.predicting.tile_predictor import fast_model
from keras_rsseg.scenes.predicting.tile_predictor import tile_views
from tests.models.folded_task_test import make_model


def random_tiles(size, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (2, size, size, 3), "uint8")


@pytest.mark.parametrize("kind, count", [(None, 1), ("flips", 4), ("d4", 8)])
def test_views_differ_and_lead_back(kind, count):
    tiles = random_tiles(6)
    views = tile_views(6, kind)
    seen = [view.apply(tiles) for view in views]
    assert len({view.tobytes() for view in seen}) == count
    np.testing.assert_array_equal(seen[0], tiles)
    for view, pixels in zip(views, seen, strict=True):
        assert pixels.flags.c_contiguous
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(view.turn_back(pixels[1]), tiles[1])


def test_flips_are_the_mirror_images():
    tiles = random_tiles(5)
    seen = {view.apply(tiles).tobytes() for view in tile_views(5, "flips")}
    mirrored = [
        tiles,
        tiles[:, ::-1],
        tiles[:, :, ::-1],
        tiles[:, ::-1, ::-1],
    ]
    assert seen == {pixels.tobytes() for pixels in mirrored}


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_scales(dtype):
    """A ramp stays a ramp, registered to half a pixel."""
    ramp = np.linspace(0, 200, 64)
    tiles = np.broadcast_to(ramp[None, None, :, None], (1, 64, 64, 1))
    tiles = np.ascontiguousarray(tiles.astype(dtype))
    views = tile_views(64, scales=(0.5, 1, 1.5))
    assert [view.size for view in views] == [32, 64, 96]
    for view in views:
        pixels = view.apply(tiles)
        assert pixels.shape == (1, view.size, view.size, 1)
        assert pixels.dtype == dtype
        back = view.scale_back(np.moveaxis(pixels[0], -1, 0).astype("float32"))
        np.testing.assert_allclose(
            back[0, :, 2:-2], tiles[0, :, 2:-2, 0], atol=1.5
        )


def test_sizes_keep_what_the_tile_is_a_multiple_of():
    for tile_size, sizes in {
        512: [384, 640],
        40: [32, 48],
        33: [25, 41],
    }.items():
        views = tile_views(tile_size, scales=(0.75, 1.25))
        assert [view.size for view in views] == sizes


@pytest.mark.parametrize(
    "arguments, match",
    [
        (("d8",), "test_time_augmentation"),
        ((True,), "test_time_augmentation"),
        ((None, ()), "scales"),
        ((None, (0,)), "scales"),
        ((None, (float("inf"),)), "scales"),
        ((None, 1.0), "scales"),
        ((None, ("a",)), "scales"),
        ((None, (1.0, 1.01)), "different sizes"),
    ],
)
def test_bad_arguments(arguments, match):
    with pytest.raises(ValueError, match=match):
        tile_views(32, *arguments)


def test_one_twin_for_many_scenes_until_the_task_learns():
    model = make_model()
    tiles = random_tiles(32)
    fast = fast_model(model, model_identity(model))
    before = fast.predict_on_batch(tiles)
    assert fast is not model
    assert fast_model(model, model_identity(model)) is fast
    bias = model.classifier.get_weights()[1]
    model.classifier.bias.assign(bias + np.array([1, 2, 3], "float32"))
    other = fast_model(model, model_identity(model))
    assert other is not fast
    # The classifier comes before a resize, which keeps constants.
    np.testing.assert_allclose(
        other.predict_on_batch(tiles) - before,
        np.broadcast_to([1.0, 2.0, 3.0], before.shape),
        atol=1e-5,
    )


def test_a_task_is_not_kept_for_its_answers():
    model = make_model()
    fast_model(model, model_identity(model)).predict_on_batch(random_tiles(32))
    task = weakref.ref(model)
    del model
    gc.collect()
    assert task() is None


def test_many_tiles_have_a_twin_of_their_own_on_torch():
    """The same for a map and a part of it, as after a restart."""
    model = make_model()
    few, many = (
        fast_model(model, model_identity(model), count) for count in (3, 1000)
    )
    assert (few is not many) == (keras.backend.backend() == "torch")
    assert fast_model(model, model_identity(model), 999) is many
    assert fast_model(model, model_identity(model), 1) is few
    tiles = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3))
    np.testing.assert_allclose(
        many.predict_on_batch(tiles), few.predict_on_batch(tiles), atol=1e-4
    )


def test_what_is_no_task_stays_what_it_is():
    def model(tiles):
        return tiles

    assert fast_model(model, model_identity(model)) is model
