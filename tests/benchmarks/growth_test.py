"""The growth of costs is measured on scenes of the given sizes."""

import numpy as np
import pytest
import rasterio

from benchmarks import growth


def test_a_scene_has_its_size_and_repeats_its_source(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "SOURCE_SIDE", 64)
    path = growth.write_scene(tmp_path, 0.01, 0.8)
    with rasterio.open(path) as scene:
        assert scene.shape == (100, 100)
        assert scene.res == (0.8, 0.8)
        pixels = scene.read()
    assert pixels.any(axis=(1, 2)).all()
    np.testing.assert_array_equal(pixels[:, :36, :36], pixels[:, 64:, 64:])


def test_a_table_and_a_plot(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    asked = []

    def measure(point):
        asked.append(point)
        seconds = 2.0 * point["megapixels"] + 1
        return {"seconds": seconds, "first": 1.0, "megabytes": 900.0}

    monkeypatch.setattr(growth, "measure_apart", measure)
    path = tmp_path / "plot.svg"
    command = "growth --megapixels 1 8 --classes 250 --tile-size --batch-size"
    monkeypatch.setattr("sys.argv", [*command.split(), "--plot", str(path)])
    growth.main()
    assert [point["megapixels"] for point in asked] == [1, 8, 4]
    assert asked[2]["classes"] == 250 and asked[0]["classes"] == 6
    assert "17.0" in capsys.readouterr().out
    assert path.stat().st_size > 1000


@pytest.mark.slow
def test_a_small_point():
    point = {**growth.BASE, "megapixels": 0.1, "tile_size": 128}
    found = growth.measure_apart(point)
    assert 0 < found["first"] <= found["seconds"]
    assert found["megabytes"] > 100
