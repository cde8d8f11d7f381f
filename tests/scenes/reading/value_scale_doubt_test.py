"""Values that may mean something other than assumed."""

import numpy as np
import pytest
import rasterio

from keras_rsseg.errors import RasterError
from keras_rsseg.errors import SceneError
from keras_rsseg.scenes.reading.scene_file import open_scene
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from keras_rsseg.scenes.reading.value_scale import sample_windows
from keras_rsseg.scenes.reading.value_scale import warn_of_alpha
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene


def write_alpha(path, alpha):
    pixels = np.concatenate([random_scene(*alpha.shape), alpha[None]])
    pixels = pixels.astype(alpha.dtype)
    return write_scene(path, pixels, photometric="rgb", alpha="yes")


def judge(path, **options):
    with open_scene(path) as dataset:
        warn_of_alpha(SceneReader(dataset, **options))


class TestAlpha:
    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    def test_many_values_are_warned_of(self, tmp_path, dtype):
        alpha = random_scene(300, 400, seed=1)[0].astype(dtype)
        alpha[:, :100] = 0
        path = write_alpha(tmp_path / "scene.tif", alpha)
        with pytest.warns(UserWarning, match="Band 4.*like near infrared"):
            judge(path)
        # It is read as data.
        judge(path, bands=[4, 1, 2])

    def test_masks_pass(self, tmp_path):
        rows, columns = np.indices((300, 400))
        inside = np.where(rows + columns > 200, 255, 0).astype("uint8")
        soft = np.clip((rows + columns - 200) * 32, 0, 255).astype("uint8")
        half = np.where(inside, 128, 0).astype("uint8")
        for alpha in (inside, soft, half, np.zeros_like(half)):
            judge(write_alpha(tmp_path / "scene.tif", alpha))


def test_samples_are_spread_and_within():
    windows = list(sample_windows(100, 1000, 4, 64))
    assert len(windows) == 16
    assert windows[0] == (0, 0, 64, 64) and windows[-1] == (36, 936, 64, 64)
    assert list(sample_windows(5, 7, 4, 64)) == [(0, 0, 5, 7)]


class TestColorTables:
    def write(self, path, table):
        numbers = (random_scene(40, 60)[:1] % np.uint16(len(table))).astype(
            "uint8"
        )
        write_scene(path, numbers)
        with rasterio.open(path, "r+") as output:
            output.write_colormap(1, dict(enumerate(table)))
        return numbers

    def test_numbers_are_no_colours(self, tmp_path):
        path = tmp_path / "scene.tif"
        table = [(60, 16, 152, 255), (132, 41, 246, 255), (1, 1, 200, 255)]
        numbers = self.write(path, table)
        with open_scene(path) as dataset:
            with pytest.raises(SceneError, match="colour table.*expand"):
                SceneReader(dataset, [1, 1, 1])
            with pytest.raises(RasterError, match="takes 3.*colour table"):
                SceneReader(dataset, model_bands=3)
            with pytest.warns(UserWarning, match="indices into a colour"):
                SceneReader(dataset)
        # The error's suggestion.
        with open_scene(f"vrt://{path}?expand=rgb") as dataset:
            found, _ = SceneReader(dataset, model_bands=3).read(0, 0, 40, 60)
        colors = np.array(table, "uint8")[:, :3]
        np.testing.assert_array_equal(found, colors[numbers[0]])

    def test_greys_are_brightness(self, tmp_path):
        self.write(tmp_path / "a.tif", [(n, n, n, 255) for n in range(256)])
        with open_scene(tmp_path / "a.tif") as dataset:
            SceneReader(dataset, [1, 1, 1])
