"""Scenes of benchmarks have the size that is asked for."""

import numpy as np
import rasterio

from benchmarks import made_scenes


def test_a_scene_has_its_size_and_repeats_its_source(tmp_path, monkeypatch):
    monkeypatch.setattr(made_scenes, "SOURCE_SIDE", 64)
    path = made_scenes.write_scene(tmp_path, 0.01, 0.8)
    with rasterio.open(path) as scene:
        assert scene.shape == (100, 100)
        assert scene.res == (0.8, 0.8)
        pixels = scene.read()
    assert pixels.any(axis=(1, 2)).all()
    np.testing.assert_array_equal(pixels[:, :36, :36], pixels[:, 64:, 64:])
