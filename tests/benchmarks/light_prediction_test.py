"""The cost of a map is that of its own process."""

import sys

import numpy as np
import pytest

from benchmarks import light_prediction
from tests.scenes.scene_files import write_scene


def test_memory_and_time_are_those_of_the_process():
    code = "import time; x = b'x' * {}; time.sleep(0.2)"
    costs = [
        light_prediction.run([sys.executable, "-c", code.format(count)])
        for count in (200_000_000, 1)
    ]
    assert costs[0].memory - costs[1].memory > 150_000_000
    assert all(cost.seconds >= 0.2 for cost in costs)


def test_a_command_that_fails_says_why():
    code = "raise SystemExit('no such model')"
    with pytest.raises(RuntimeError, match="no such model"):
        light_prediction.run([sys.executable, "-c", code])


def test_rows_tell_models_apart(tmp_path, monkeypatch, capsys):
    called = []

    def run(command):
        called.append(command)
        pixels = np.zeros((1, 10, 10), "uint8")
        if "--preset" in command:
            pixels[0, 0, 0] = 1
        write_scene(command[command.index("--output") + 1], pixels)
        seconds = len(called)
        return light_prediction.Cost(seconds, 2.0, 3_000_000)

    monkeypatch.setattr(light_prediction, "run", run)
    monkeypatch.setattr(light_prediction, "packages_size", lambda _: 5_000_000)
    light_prediction.main(
        ["s.tif", "--models", "default", "a/m.onnx", "--tile-size", "64"]
    )
    # In turns, three times each.
    assert ["--preset" in command for command in called] == [False, True] * 3
    assert all("64" in command for command in called)
    lines = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.split("|")] for line in lines[2:]]
    assert cells[0][1:-1] == ["`default`", "3.0", "2.0", "3", "5", "0.00e+00"]
    assert cells[1][1:-1] == ["`m.onnx`", "4.0", "2.0", "3", "5", "1.00e-02"]


def test_packages_of_this_environment_have_a_size():
    assert light_prediction.packages_size(sys.executable) > 10_000_000
