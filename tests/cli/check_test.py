"""`keras-rsseg check` prints what `keras_rsseg.data.check` finds."""

import numpy as np
import pytest
from typer.testing import CliRunner

from keras_rsseg.cli import app
from tests.data.files import random_image
from tests.data.files import write_raster


@pytest.fixture
def folders(tmp_path):
    mask = np.zeros((16, 16), "uint8")
    mask[8:] = 255
    for name, array in (("images", random_image(16, 16)), ("masks", mask)):
        (tmp_path / name).mkdir()
        write_raster(tmp_path / name / "a.png", array)
    return [str(tmp_path / "images"), str(tmp_path / "masks")]


def run(*arguments):
    return CliRunner().invoke(app, ["check", *arguments])


def test_doubts_are_printed(folders):
    result = run(*folders, "--num-classes", "2")
    assert result.exit_code == 0
    assert "1 image, 1 mask" in result.output
    assert "no ids but 0 and 255" in result.output


def test_options_reach_it(folders, tmp_path):
    pytest.importorskip("matplotlib")
    result = run(
        *folders,
        *("--num-classes", "2", "--map", "255=1", "--bands", "1,2"),
        *("--picture", str(tmp_path / "a.png")),
    )
    assert result.exit_code == 0
    assert (
        "No problems found" in result.output and "2 of uint8" in result.output
    )
    assert (tmp_path / "a.png").exists()


def test_what_is_wrong_ends_with_1(folders):
    result = run(*folders, "--num-classes", "2", "--map", "0=3")
    assert result.exit_code == 1
    assert "out of range: [3]" in result.output
    assert run(*folders, "--map", "x").exit_code == 2
