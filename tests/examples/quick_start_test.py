"""The example that users copy runs from check to map."""

import numpy as np
import pytest

import keras_rsseg
from examples import quick_start

pytest.importorskip("matplotlib")
pytest.importorskip("pyogrio")


@pytest.mark.slow
# For the fixture that runs graphs eagerly.
@pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning")
def test_from_check_to_map(tmp_path, capsys):
    output = tmp_path / "harbour"
    quick_start.main(["--limit", "1", "--output", str(output)])
    printed = capsys.readouterr().out
    # The scene's pixels are smaller than the preset's, which is logged.
    assert "\nWrong:" not in printed
    assert printed.count("\n  - ") == 1 and "0.25 m per pixel" in printed
    found = keras_rsseg.data.read_mask(f"{output}_map.tif")
    assert found.shape == (1000, 1000)
    # The trained head was kept: after another step it still finds water.
    water = keras_rsseg.from_preset(output).class_names.index("water")
    assert np.mean(found[400:600, 530:630] == water) > 0.5
