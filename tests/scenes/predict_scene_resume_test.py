"""Runs that end early: finished work is kept, and resumed."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
import rasterio

from keras_rsseg.rasters.opener import RasterReadError
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from tests.scenes.predict_scene_test import predict
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

# Four blocks of two or three rows of tiles; tiles of 32, stride 24.
OPTIONS = {"strip_height": 40, "batch_size": 2}


@pytest.fixture
def scene(tmp_path):
    return write_scene(tmp_path / "scene.tif", random_scene(150, 100), nodata=7)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    names = [thread.name for thread in threading.enumerate()]
    ours = ("read-ahead", "write-behind")
    assert not [name for name in names if name.startswith(ours)]


class Counting:
    """`threshold_model` that does something at a call."""

    def __init__(self, at=None, does=None):
        self.calls = 0
        self.at, self.does = at, does

    def predict_on_batch(self, tiles):
        self.calls += 1
        logits = threshold_model(tiles)
        if self.calls == self.at:
            return self.does(logits)
        return logits


def interrupts(logits):
    raise KeyboardInterrupt


def runs_out(logits):
    raise MemoryError("accelerator")


def not_a_number(logits):
    return np.full_like(logits, np.nan)


def undisturbed(scene, folder):
    output = folder / "undisturbed.tif"
    model = Counting()
    predict(model, scene, output, **OPTIONS)
    return output.read_bytes(), model.calls


class TestResume:
    @pytest.mark.parametrize(
        "does, error",
        [
            (interrupts, KeyboardInterrupt),
            (runs_out, MemoryError),
            (not_a_number, ValueError),
        ],
    )
    def test_finished_blocks_are_kept(self, tmp_path, scene, does, error):
        expected, calls = undisturbed(scene, tmp_path)
        output = tmp_path / "map.tif"
        with pytest.raises(error):
            predict(Counting(12, does), scene, output, **OPTIONS)
        assert not output.exists()
        assert (tmp_path / ".map.tif.blocks").is_dir()
        model = Counting()
        predict(model, scene, output, resume=True, **OPTIONS)
        assert output.read_bytes() == expected
        # The first blocks were not predicted again.
        assert model.calls <= calls - 6
        assert not (tmp_path / ".map.tif.blocks").exists()

    def test_nothing_is_left_where_nothing_was_finished(self, tmp_path, scene):
        with pytest.raises(KeyboardInterrupt):
            predict(
                Counting(2, interrupts), scene, tmp_path / "map.tif", **OPTIONS
            )
        assert list(tmp_path.iterdir()) == [scene]

    def test_a_part_that_cannot_be_read(self, tmp_path):
        """The part above it is finished nevertheless."""
        pixels = random_scene(160, 64)
        scene = write_scene(
            tmp_path / "scene.tif",
            pixels,
            compress="deflate",
            tiled=True,
            blockxsize=16,
            blockysize=16,
        )
        with rasterio.open(scene) as dataset:
            tag = dataset.get_tag_item("BLOCK_OFFSET_1_7", "TIFF", bidx=1)
        damaged = bytearray(scene.read_bytes())
        damaged[int(tag) : int(tag) + 200] = bytes(200)
        scene.write_bytes(damaged)
        output = tmp_path / "map.tif"
        options = {"strip_height": 40, "batch_size": 1}
        with pytest.raises(rasterio.errors.RasterioIOError, match="rows"):
            predict(Counting(), scene, output, **options)
        kept = tmp_path.glob(".map.tif.blocks/0*.json")
        assert {path.stem for path in kept} == {"000000", "000001"}

    def test_a_part_that_cannot_be_read_now(self, tmp_path, monkeypatch):
        """For example on a server that does not answer for a while."""
        pixels = random_scene(160, 64)
        scene = write_scene(tmp_path / "scene.tif", pixels)
        output = tmp_path / "map.tif"
        options = {"strip_height": 40, "batch_size": 1}

        def read(reader, row, col, height, width):
            if row + height > 112:
                raise RasterReadError("rows")
            return read_again(reader, row, col, height, width)

        read_again = SceneReader.read
        with monkeypatch.context() as patch:
            patch.setattr(SceneReader, "read", read)
            with pytest.raises(RasterReadError, match="rows"):
                predict(Counting(), scene, output, **options)
        model = Counting()
        _, classes = predict(model, scene, output, resume=True, **options)
        np.testing.assert_array_equal(classes, threshold_classes(pixels))
        # Tiles that start in rows 72, 96, 120 and 128, three in each.
        assert model.calls == 12

    def test_killed_while_writing(self, tmp_path, scene):
        output = tmp_path / "map.tif"
        script = f"""
            import os, signal
            from keras_rsseg.scenes.predict_scene import predict_scene
            from keras_rsseg.scenes.maps.block_store import BlockStore
            from tests.scenes.scene_files import threshold_model

            write = BlockStore.write

            def killed_after_two(self, block, *arguments):
                if len(self.done) == 2:
                    (self.folder / "000002_classes.tif.partial").touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                write(self, block, *arguments)

            BlockStore.write = killed_after_two
            predict_scene(
                threshold_model, {str(scene)!r}, {str(output)!r},
                tile_size=32, progress=False, strip_height=40, batch_size=2,
            )
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        assert not output.exists()
        kept = tmp_path.glob(".map.tif.blocks/*.json")
        assert {path.stem for path in kept} == {"000000", "000001", "settings"}
        predict(threshold_model, scene, output, resume=True, **OPTIONS)
        undisturbed = tmp_path / "undisturbed.tif"
        predict(threshold_model, scene, undisturbed, **OPTIONS)
        assert output.read_bytes() == undisturbed.read_bytes()
        assert set(tmp_path.iterdir()) == {scene, output, undisturbed}

    @pytest.mark.parametrize(
        "change, match",
        [
            ({"overlap": 4}, "overlap"),
            ({"strip_height": 41}, "blocks"),
            ({"test_time_augmentation": "d4"}, "test_time_augmentation"),
            ({"nodata": 9}, "nodata"),
            ({"bands": [3, 2, 1]}, "bands"),
        ],
    )
    def test_other_arguments_are_another_run(
        self, tmp_path, scene, change, match
    ):
        output = tmp_path / "map.tif"
        with pytest.raises(KeyboardInterrupt):
            predict(Counting(12, interrupts), scene, output, **OPTIONS)
        with pytest.raises(ValueError, match=match):
            options = {**OPTIONS, **change}
            predict(Counting(), scene, output, resume=True, **options)
        # Nothing was lost by that.
        model = Counting()
        predict(model, scene, output, resume=True, **OPTIONS)
        assert model.calls < 12

    def test_other_weights_are_another_run(self, tmp_path, scene):
        output = tmp_path / "map.tif"

        class Weighted(Counting):
            weights = 1.0

            def get_weights(self):
                return [np.full((2, 3), self.weights, "float32")]

        with pytest.raises(KeyboardInterrupt):
            predict(Weighted(12, interrupts), scene, output, **OPTIONS)
        trained = Weighted()
        trained.weights = 1.5
        with pytest.raises(ValueError, match="model.weights"):
            predict(trained, scene, output, resume=True, **OPTIONS)

    def test_a_finished_map_is_left_as_it_is(self, tmp_path, scene):
        output = tmp_path / "map.tif"
        first, _ = predict(Counting(), scene, output, **OPTIONS)
        before = output.stat()
        model = Counting()
        again, _ = predict(model, scene, output, resume=True, **OPTIONS)
        assert model.calls == 0
        assert output.stat() == before
        assert again.class_pixels == first.class_pixels
        assert again.valid_share == first.valid_share
        # A scene's time stamp does not matter.
        os.utime(scene)
        predict(model, scene, output, resume=True, **OPTIONS)
        assert output.stat() == before
        # Another map there is refused, and so is a map of another scene.
        with pytest.raises(FileExistsError, match="overwrite"):
            predict(model, scene, output, resume=True, overlap=0)
        write_scene(scene, random_scene(150, 100, seed=1), nodata=7)
        os.utime(scene, ns=(0, 0))
        with pytest.raises(FileExistsError, match="overwrite"):
            predict(model, scene, output, resume=True, **OPTIONS)
        assert model.calls == 0
        predict(model, scene, output, resume=True, overwrite=True, **OPTIONS)
        assert model.calls > 0
