"""Faults: a clear error, nothing computed in vain, nothing lost."""

import os
import pathlib

import numpy as np
import pytest
import rasterio

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import ArgumentTypeError
from keras_rsseg.errors import SceneError
from keras_rsseg.scenes.predict_scenes import predict_scenes
from tests.scenes.predict_scene_test import predict
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

HARBOUR = pathlib.Path(__file__).parents[2] / "examples/data/harbour.tif"


class TestErrors:
    def scene(self, tmp_path, bands=3):
        pixels = np.concatenate([random_scene(70, 70)] * 2)[:bands]
        return write_scene(tmp_path / "scene.tif", pixels)

    def test_an_interrupted_run_leaves_nothing(self, tmp_path):
        scene, output = self.scene(tmp_path), tmp_path / "map.tif"
        calls = []

        def breaks(tiles):
            calls.append(1)
            if len(calls) > 4:
                raise KeyboardInterrupt
            return threshold_model(tiles)

        with pytest.raises(KeyboardInterrupt):
            predict(breaks, scene, output, batch_size=1)
        assert len(calls) == 5
        assert list(tmp_path.iterdir()) == [scene]

    def test_an_interrupted_run_keeps_the_old_map(self, tmp_path):
        scene, output = self.scene(tmp_path), tmp_path / "map.tif"
        predict(threshold_model, scene, output)
        before = output.read_bytes()

        def breaks(tiles):
            raise RuntimeError("out of memory")

        with pytest.raises(RuntimeError):
            predict(breaks, scene, output, overwrite=True)
        assert output.read_bytes() == before
        assert sorted(tmp_path.iterdir()) == [output, scene]

    @pytest.mark.parametrize("writes", ["over it", "in its place"])
    def test_a_scene_that_is_written_while_it_is_read(self, tmp_path, writes):
        scene, output = self.scene(tmp_path), tmp_path / "map.tif"
        other = write_scene(tmp_path / "other.tif", 255 - random_scene(70, 70))

        def model(tiles):
            if other.exists():
                if writes == "over it":
                    scene.write_bytes(other.read_bytes())
                    other.unlink()
                else:
                    other.rename(scene)
            return threshold_model(tiles)

        with pytest.raises(SceneError, match="scene.tif was changed while"):
            predict(model, scene, output, batch_size=1)
        # No block of the earlier content is reused.
        assert list(tmp_path.iterdir()) == [scene]

    @pytest.mark.parametrize("does", ["touched", "removed"])
    def test_what_changes_no_pixel_is_no_matter(self, tmp_path, does):
        scene, output = self.scene(tmp_path), tmp_path / "map.tif"

        def model(tiles):
            if does == "touched":
                os.utime(scene, (1, 1))
            else:
                scene.unlink(missing_ok=True)
            return threshold_model(tiles)

        _, classes = predict(model, scene, output)
        assert classes.shape == (70, 70)

    @pytest.mark.parametrize("kept", [0.01, 0.5, 0.9, 0.999])
    def test_a_full_disk(self, tmp_path, kept):
        """With a limit on file sizes. Small maps only fail while closing."""
        resource = pytest.importorskip("resource")
        scene = write_scene(tmp_path / "scene.tif", random_scene(300, 300))
        output = tmp_path / "map.tif"
        predict(threshold_model, scene, output, tile_size=300)
        size = int(kept * output.stat().st_size)
        output.unlink()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            with pytest.raises(OSError):
                predict(threshold_model, scene, output, tile_size=300)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert list(tmp_path.iterdir()) == [scene]

    def test_a_cut_scene(self, tmp_path):
        scene = tmp_path / "scene.tif"
        data = HARBOUR.read_bytes()
        for size in (len(data) // 2, 3000, 100, 0):
            scene.write_bytes(data[:size])
            with pytest.raises((ValueError, rasterio.errors.RasterioIOError)):
                predict(threshold_model, scene, tmp_path / "map.tif")
            assert list(tmp_path.iterdir()) == [scene]

    def test_existing_map_needs_overwrite(self, tmp_path):
        scene, output = self.scene(tmp_path), tmp_path / "map.tif"
        output.write_bytes(b"precious")
        output.with_name("map.tif.aux.xml").write_text("<stale/>")
        with pytest.raises(FileExistsError, match="overwrite"):
            predict(threshold_model, scene, output)
        assert output.read_bytes() == b"precious"
        _, classes = predict(threshold_model, scene, output, overwrite=True)
        assert classes.shape == (70, 70)
        assert sorted(tmp_path.iterdir()) == [output, scene]

    def test_a_map_that_appears_meanwhile_is_kept(self, tmp_path):
        scene, output = self.scene(tmp_path), tmp_path / "map.tif"

        def slow(tiles):
            output.write_bytes(b"precious")
            return threshold_model(tiles)

        with pytest.raises(FileExistsError, match="finished map") as caught:
            predict(slow, scene, output)
        assert output.read_bytes() == b"precious"
        finished = tmp_path / ".map.tif.blocks" / "classes.tif"
        assert str(finished) in str(caught.value)
        assert read_map(finished)[0].shape == (70, 70)

    @pytest.mark.parametrize(
        "name, error, match",
        [
            ("nowhere/map.tif", FileNotFoundError, "no folder"),
            ("scene.tif/map.tif", FileNotFoundError, "no folder"),
            ("map.png", ValueError, "must end in .tif"),
            (".", ValueError, "must end in .tif"),
            ("scene.tif", ValueError, "the scene itself"),
            ("/vsimem/map.tif", ValueError, "local file system"),
        ],
    )
    def test_bad_destinations(self, tmp_path, name, error, match):
        scene = self.scene(tmp_path)
        before = scene.read_bytes()
        with pytest.raises(error, match=match):
            predict(never_called, scene, tmp_path / name, overwrite=True)
        assert scene.read_bytes() == before

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_a_link_to_the_map(self, tmp_path, overwrite):
        """Its target is written, whether or not it exists."""
        scene, output = self.scene(tmp_path), tmp_path / "map.tif"
        (tmp_path / "disk").mkdir()
        target = tmp_path / "disk/map.tif"
        if overwrite:
            target.touch()
        output.symlink_to("disk/map.tif")
        predict(threshold_model, scene, output, overwrite=overwrite)
        assert output.is_symlink()
        assert read_map(target)[0].shape == (70, 70)
        assert list(target.parent.iterdir()) == [target]
        target.unlink()
        target.symlink_to("../map.tif")
        with pytest.raises(ArgumentError, match="link to itself"):
            predict(never_called, scene, output, overwrite=True)

    def test_a_name_that_leaves_no_room(self, tmp_path):
        scene, output = self.scene(tmp_path), tmp_path / f"{'街' * 83}.tif"
        predict(threshold_model, scene, output)
        assert sorted(tmp_path.iterdir()) == [scene, output]

    def test_what_is_no_path(self, tmp_path):
        scene, output = self.scene(tmp_path), tmp_path / "map.tif"
        with rasterio.open(scene) as dataset:
            for source, match in [
                (dataset, "`source`.*an open dataset.*`dataset.name`"),
                (np.zeros((8, 8, 3)), "`source`.*an array .numpy.ndarray.*Geo"),
                ([scene], "`source`.*a builtins.list.*predict_scenes"),
                (None, "`source`.*Received: NoneType"),
            ]:
                with pytest.raises(ArgumentTypeError, match=match):
                    predict(never_called, source, output)
        with pytest.raises(TypeError, match="`destination`.*ndarray"):
            predict(never_called, scene, np.zeros(3))
        with pytest.raises(TypeError, match="`jobs`.*list_scenes"):
            predict_scenes(never_called, [str(scene)])

    def test_unwritable_folder(self, tmp_path, monkeypatch):
        """With a stand-in for `os.access`, as tests can run as root."""
        monkeypatch.setattr("os.access", lambda path, mode: False)
        with pytest.raises(PermissionError, match="cannot be written"):
            predict(never_called, self.scene(tmp_path), tmp_path / "map.tif")

    def test_sources_that_are_no_scenes(self, tmp_path):
        output = tmp_path / "map.tif"
        with pytest.raises(FileNotFoundError, match="nothing.tif"):
            predict(never_called, tmp_path / "nothing.tif", output)
        text = tmp_path / "notes.tif"
        text.write_text("not a raster")
        with pytest.raises(ValueError, match="not a raster"):
            predict(never_called, text, output)
        mixed = write_scene(
            tmp_path / "complex.tif", np.zeros((3, 8, 8), "complex64")
        )
        with pytest.raises(ValueError, match="complex64"):
            predict(never_called, mixed, output)
        assert not output.exists()

    def test_damaged_scene(self, tmp_path):
        scene = write_scene(
            tmp_path / "scene.tif",
            random_scene(70, 70),
            compress="deflate",
            tiled=True,
            blockxsize=16,
            blockysize=16,
        )
        data = bytearray(scene.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 3000] = bytes(3000)
        scene.write_bytes(data)
        with pytest.raises(rasterio.errors.RasterioIOError, match="rows"):
            predict(threshold_model, scene, tmp_path / "map.tif")
        assert list(tmp_path.iterdir()) == [scene]

    @pytest.mark.parametrize("bands", [1, 2, 4, 5])
    def test_wrong_band_count(self, tmp_path, bands):
        scene = self.scene(tmp_path, bands)

        class Task:
            predict_on_batch = never_called

        for wanted in (3, ("red", "green", "blue")):
            Task.bands = wanted
            with pytest.raises(ValueError, match=f"takes 3 .*has {bands}"):
                predict(Task(), scene, tmp_path / "map.tif")

    @pytest.mark.parametrize(
        "options, match",
        [
            ({"tile_size": 0}, "tile_size"),
            ({"tile_size": 2.5}, "tile_size"),
            ({"overlap": 32}, "overlap"),
            ({"overlap": -1}, "overlap"),
            ({"batch_size": 0}, "batch_size"),
            ({"bands": [0, 1, 2]}, "band numbers 1 to 3"),
            ({"bands": ["swir"]}, "swir"),
            ({"nodata": 300}, "nodata"),
            ({"nodata": float("nan")}, "nodata"),
            ({"ground_sample_distance": -1}, "ground_sample_distance"),
            ({"ground_sample_distance": "fine"}, "ground_sample_distance"),
            ({"class_names": ["a", "a"]}, "twice"),
            ({"palette": [(0, 0, 300)]}, "0 to 255"),
            (
                {"class_names": ["a", "b"], "palette": [(0, 0, 0)]},
                "must agree",
            ),
        ],
    )
    def test_bad_arguments(self, tmp_path, options, match):
        scene = self.scene(tmp_path)
        with pytest.raises(ValueError, match=match):
            predict(never_called, scene, tmp_path / "map.tif", **options)
        assert list(tmp_path.iterdir()) == [scene]

    @pytest.mark.parametrize(
        "model, match",
        [
            (lambda tiles: tiles[:, ::2], "of the tiles' size"),
            (lambda tiles: tiles[..., 0], "of the tiles' size"),
            (lambda tiles: tiles[..., :1] * 1.0, "2 to 255 classes"),
            (lambda tiles: tiles * np.float32("nan"), "not finite"),
            (lambda tiles: tiles * np.float16("inf"), "not finite"),
        ],
    )
    def test_bad_logits(self, tmp_path, model, match):
        scene = self.scene(tmp_path)
        with np.errstate(all="ignore"):
            with pytest.raises(ValueError, match=match):
                predict(model, scene, tmp_path / "map.tif")
        assert list(tmp_path.iterdir()) == [scene]

    def test_wrong_number_of_classes(self, tmp_path):
        scene = self.scene(tmp_path)
        with pytest.raises(ValueError, match="returned 4 classes"):
            predict(
                threshold_model,
                scene,
                tmp_path / "map.tif",
                class_names=["building", "land"],
            )

    def test_model_that_is_none(self, tmp_path):
        with pytest.raises(TypeError, match="predict_on_batch"):
            predict("hrnet", self.scene(tmp_path), tmp_path / "map.tif")


def never_called(tiles):
    raise AssertionError("the error must come before the model is asked")
