"""What was measured of growing scenes becomes a table and a plot."""

import pytest

from benchmarks import growth


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


def test_reading_and_writing_alone(monkeypatch, capsys):
    monkeypatch.setattr(growth, "BARE_MEGAPIXELS", 0.02)
    monkeypatch.setattr("sys.argv", ["growth", "--without-network", "0.4"])
    growth.main()
    line = capsys.readouterr().out.strip()
    assert line.startswith("0.4 m: ") and float(line.split()[2]) > 0
