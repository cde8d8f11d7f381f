"""Whole scenes, with models with known results."""

import hypothesis
import hypothesis.strategies as st
import keras
import numpy as np
import pytest
import rasterio

from keras_rsseg.scenes.predict_scene import predict_scene
from tests.scenes.scene_files import NUM_CLASSES
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

VOID = 255


def predict(model, scene, output, **options):
    options = {"tile_size": 32, "progress": False, **options}
    result = predict_scene(model, scene, output, **options)
    return result, read_map(output)[0]


class TestAnswers:
    @pytest.mark.parametrize(
        "size",
        [(1, 1), (1, 70), (20, 9), (32, 32), (33, 31), (57, 131), (96, 64)],
    )
    def test_any_size_gives_the_truth_everywhere(self, tmp_path, size):
        pixels = random_scene(*size)
        scene = write_scene(tmp_path / "scene.tif", pixels)
        result, classes = predict(threshold_model, scene, tmp_path / "map.tif")
        np.testing.assert_array_equal(classes, threshold_classes(pixels))
        assert result.valid_share == 1

    @hypothesis.given(
        height=st.integers(1, 80),
        width=st.integers(1, 80),
        tile=st.integers(1, 40),
        share=st.floats(0, 0.8),
        batch_size=st.integers(1, 9),
    )
    @hypothesis.settings(max_examples=15, deadline=None)
    def test_any_tiling_gives_the_truth(
        self, tmp_path_factory, height, width, tile, share, batch_size
    ):
        folder = tmp_path_factory.mktemp("scene")
        pixels = random_scene(height, width)
        _, classes = predict(
            threshold_model,
            write_scene(folder / "scene.tif", pixels),
            folder / "map.tif",
            tile_size=tile,
            overlap=int(share * tile),
            batch_size=batch_size,
        )
        np.testing.assert_array_equal(classes, threshold_classes(pixels))

    def test_constant_answer_has_no_seams(self, tmp_path):
        scene = write_scene(tmp_path / "scene.tif", random_scene(75, 90))

        def constant(tiles):
            return np.tile(
                np.array([0.1, 0.2, 0.1], "float32"), (*tiles.shape[:3], 1)
            )

        _, classes = predict(constant, scene, tmp_path / "map.tif")
        np.testing.assert_array_equal(classes, 1)

    def test_ties_go_to_the_lower_id(self, tmp_path):
        scene = write_scene(tmp_path / "scene.tif", random_scene(40, 50))

        def undecided(tiles):
            return np.tile(np.float32([-1, 2, 2]), (*tiles.shape[:3], 1))

        _, classes = predict(undecided, scene, tmp_path / "map.tif")
        np.testing.assert_array_equal(classes, 1)

    def test_sure_answers_do_not_overflow(self, tmp_path):
        pixels = random_scene(40, 40)
        scene = write_scene(tmp_path / "scene.tif", pixels)
        _, classes = predict(
            lambda tiles: 1e4 * threshold_model(tiles) - 3e4,
            scene,
            tmp_path / "map.tif",
        )
        np.testing.assert_array_equal(classes, threshold_classes(pixels))

    def test_doubt_at_tile_borders_does_not_show(self, tmp_path):
        """A network errs where it lacks context: its neighbour decides."""
        scene = write_scene(tmp_path / "scene.tif", random_scene(128, 128))

        def wrong_at_borders(tiles):
            distance = np.arange(32)
            distance = np.minimum(distance, 31 - distance)
            border = np.minimum.outer(distance, distance) < 4
            logits = np.zeros((*tiles.shape[:3], 2), "float32")
            logits[..., 0] = np.where(border, -3, 3)
            return logits

        _, classes = predict(
            wrong_at_borders, scene, tmp_path / "map.tif", overlap=16
        )
        assert not classes[4:-4, 4:-4].any()
        assert classes[0].all()  # no neighbour there: the error stays

    def test_batch_size_does_not_change_a_byte(self, tmp_path):
        pixels = random_scene(100, 75)
        scene = write_scene(tmp_path / "scene.tif", pixels, nodata=7)
        kernel = np.random.default_rng(1).normal(size=(3, NUM_CLASSES))

        def linear(tiles):
            logits = tiles.astype("float32") / 64 @ kernel.astype("float32")
            return logits + np.roll(logits, 3, axis=2)

        files = []
        for batch_size in (1, 3, 8):
            output = tmp_path / f"map_{batch_size}.tif"
            predict(linear, scene, output, batch_size=batch_size)
            files.append(output.read_bytes())
        assert files[0] == files[1] == files[2]

    def test_every_batch_has_one_shape(self, tmp_path):
        scene = write_scene(tmp_path / "scene.tif", random_scene(32, 128))
        shapes = []

        def watched(tiles):
            shapes.append((tiles.shape, tiles.dtype))
            return threshold_model(tiles)

        output = tmp_path / "map.tif"
        predict(watched, scene, output, overlap=8, batch_size=4)
        # Five tiles: three, and two with one for padding.
        assert shapes == [((3, 32, 32, 3), np.dtype("uint8"))] * 2

    def test_a_small_scene_is_reflected(self, tmp_path):
        pixels = random_scene(20, 10)
        scene = write_scene(tmp_path / "scene.tif", pixels)
        seen = []

        def watched(tiles):
            seen.append(tiles)
            return threshold_model(tiles)

        predict(watched, scene, tmp_path / "map.tif")
        tile = seen[0][0]
        np.testing.assert_array_equal(tile[:20, :10], np.moveaxis(pixels, 0, 2))
        np.testing.assert_array_equal(tile[20:, :10], tile[18:6:-1, :10])
        np.testing.assert_array_equal(tile[:, 10:19], tile[:, 8::-1])

    def test_a_model_object_is_asked_by_predict_on_batch(self, tmp_path):
        class Task:
            bands = 3
            num_classes = NUM_CLASSES
            class_names = ["building", "land", "road", "water"]
            palette = [(9, 8, 7), (1, 2, 3), (4, 5, 6), (7, 8, 9)]
            ground_sample_distance = None

            def __call__(self, tiles):
                raise AssertionError("not preprocessed")

            def predict_on_batch(self, tiles):
                return threshold_model(tiles)

        pixels = random_scene(40, 50)
        scene = write_scene(tmp_path / "scene.tif", pixels)
        result, classes = predict(Task(), scene, tmp_path / "map.tif")
        np.testing.assert_array_equal(classes, threshold_classes(pixels))
        counts = np.bincount(classes.ravel(), minlength=4)
        assert result.class_pixels == dict(
            zip(Task.class_names, counts.tolist(), strict=True)
        )
        for name, pixel_count in result.class_pixels.items():
            # 50 cm pixels; UTM's scale on its meridian is 0.9996.
            assert result.class_areas[name] == pytest.approx(
                pixel_count * 0.25 / 0.9996**2, rel=1e-4
            )
        with rasterio.open(tmp_path / "map.tif") as dataset:
            colors = dataset.colormap(1)
            tags = dataset.tags(1)
        assert [colors[i][:3] for i in range(4)] == Task.palette
        assert [tags[f"class_{i}"] for i in range(4)] == Task.class_names

    def test_a_keras_model_and_its_call(self, tmp_path):
        """With `predict_on_batch`, and as a function that returns tensors."""
        inputs = keras.Input((None, None, 3))
        model = keras.Model(inputs, keras.layers.Conv2D(4, 1)(inputs))
        pixels = random_scene(40, 50)
        scene = write_scene(tmp_path / "scene.tif", pixels)
        kernel, bias = model.get_weights()
        logits = np.moveaxis(pixels, 0, -1) @ kernel[0, 0] + bias
        for number, call in enumerate([model, lambda tiles: model(tiles)]):
            output = tmp_path / f"map_{number}.tif"
            _, classes = predict(call, scene, output)
            assert (classes == logits.argmax(-1)).mean() > 0.999

    def test_uint16_and_float_keep_their_values(self, tmp_path):
        for dtype in ("uint16", "int16", "float32"):
            pixels = (random_scene(40, 33).astype(dtype) - 1) * 60
            scene = write_scene(tmp_path / f"{dtype}.tif", pixels)
            seen = []

            def watched(tiles, seen=seen):
                seen.append(tiles)
                return threshold_model(tiles / 60)

            _, classes = predict(watched, scene, tmp_path / f"{dtype}_map.tif")
            truth = ((pixels[0] / 60) // 64).astype("uint8")
            np.testing.assert_array_equal(classes, truth)
            assert seen[0].dtype == np.float32
            assert np.max(seen) == pixels.max()


class TestValidity:
    def holes(self, shape):
        invalid = np.zeros(shape, bool)
        invalid[:40, :45] = True  # whole tiles too
        invalid[60, 60] = True
        return invalid

    @pytest.mark.parametrize("how", ["nodata", "alpha", "mask", "argument"])
    def test_invalid_pixels_become_void(self, tmp_path, how):
        pixels = random_scene(90, 100)
        invalid = self.holes(pixels.shape[1:])
        valid = np.where(invalid, 0, 255).astype("uint8")
        scene, options, model_options = tmp_path / "scene.tif", {}, {}
        if how in ("nodata", "argument"):
            pixels[:, invalid] = 0
            options = {"nodata": 0} if how == "nodata" else {}
            model_options = {} if how == "nodata" else {"nodata": 0}
            write_scene(scene, pixels, **options)
        elif how == "mask":
            write_scene(scene, pixels, mask=valid)
        else:
            layers = np.concatenate([pixels, valid[None]])
            write_scene(scene, layers, photometric="rgb", alpha="yes")
        truth = np.where(invalid, VOID, threshold_classes(pixels))
        result, classes = predict(
            threshold_model, scene, tmp_path / "map.tif", **model_options
        )
        np.testing.assert_array_equal(classes, truth)
        assert result.valid_share == pytest.approx(1 - invalid.mean())
        assert sum(result.class_pixels.values()) == (~invalid).sum()

    @pytest.mark.parametrize("how", ["tag", "argument"])
    def test_black_in_one_band_is_not_nodata(self, tmp_path, how):
        pixels = random_scene(40, 50)
        pixels[1:] = 0
        pixels[:, 3, 4] = 0
        nodata = 0 if how == "tag" else None
        scene = write_scene(tmp_path / "scene.tif", pixels, nodata=nodata)
        options = {} if how == "tag" else {"nodata": 0}
        _, classes = predict(
            threshold_model, scene, tmp_path / "map.tif", **options
        )
        assert np.argwhere(classes == VOID).tolist() == [[3, 4]]

    def test_nan_is_void_and_never_reaches_the_model(self, tmp_path):
        pixels = random_scene(70, 80).astype("float32")
        invalid = self.holes(pixels.shape[1:])
        truth = np.where(invalid, VOID, threshold_classes(pixels))
        pixels[:, invalid] = np.nan
        pixels[1, 45, 50] = np.inf
        truth[45, 50] = VOID
        scene = write_scene(tmp_path / "scene.tif", pixels)

        def strict(tiles):
            assert np.isfinite(tiles).all()
            return threshold_model(tiles)

        _, classes = predict(strict, scene, tmp_path / "map.tif")
        np.testing.assert_array_equal(classes, truth)

    def test_invalid_pixels_are_filled_with_the_mean(self, tmp_path):
        pixels = np.full((3, 32, 32), 100, "uint8")
        pixels[:, :, 16:] = 200
        pixels[:, :8] = 0
        scene = write_scene(tmp_path / "scene.tif", pixels, nodata=0)
        seen = []

        def watched(tiles):
            seen.append(tiles)
            return threshold_model(tiles)

        predict(watched, scene, tmp_path / "map.tif")
        np.testing.assert_array_equal(seen[0][0, :8], 150)

    def test_what_invalid_pixels_hold_does_not_matter(self, tmp_path):
        """A neighbour of a hole must not see its content."""
        valid = np.where(self.holes((90, 100)), 0, 255).astype("uint8")
        maps = []
        for seed in (1, 2):
            pixels = random_scene(90, 100)
            noise = random_scene(90, 100, seed)
            pixels[:, valid == 0] = noise[:, valid == 0]
            scene = write_scene(
                tmp_path / f"scene_{seed}.tif", pixels, mask=valid
            )

            def blurring(tiles):
                logits = threshold_model(tiles)
                return logits + np.roll(logits, 1, 1) + np.roll(logits, 2, 2)

            maps.append(predict(blurring, scene, tmp_path / f"{seed}.tif")[1])
        np.testing.assert_array_equal(*maps)

    def test_nothing_valid_gives_an_empty_map(self, tmp_path, caplog):
        scene = write_scene(
            tmp_path / "scene.tif", np.zeros((3, 300, 40), "uint8"), nodata=0
        )
        result, classes = predict(
            threshold_model,
            scene,
            tmp_path / "map.tif",
            class_names=["a", "b", "c", "d"],
        )
        assert (classes == VOID).all()
        assert result.valid_share == 0
        assert result.class_pixels == dict.fromkeys("abcd", 0)
        assert "no valid pixel" in caplog.text
