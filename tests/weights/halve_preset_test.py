"""Presets shipped in half precision predict like the trained ones."""

import json

import h5py
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.hub.preset_files import record_sums
from weights.halve_preset import compare_presets
from weights.halve_preset import halve_preset
from weights.halve_preset import halve_weights
from weights.halve_preset import main


def _tiny_model():
    encoder = keras_rsseg.encoders.HRNetEncoder(
        width=4,
        stackwise_num_modules=(1, 1, 1),
        num_blocks=1,
        num_bottlenecks=1,
        bottleneck_filters=8,
    )
    return keras_rsseg.HRNet(
        keras_rsseg.models.HRNetBackbone(encoder), num_classes=3
    )


def test_halved_preset_is_smaller_and_predicts_the_same(tmp_path):
    model = _tiny_model()
    full, half = tmp_path / "full", tmp_path / "half"
    half.mkdir()
    model.save_to_preset(full)
    card = {"weights_source": "Trained.", "limits": "All.", "score": None}
    (full / "card.json").write_text(json.dumps(card))
    before, after = halve_preset(full, half)
    assert after < before
    card["weights_source"] = "Trained. Kernels are stored in half precision."
    assert json.loads((half / "card.json").read_text()) == card
    restored = keras_rsseg.from_preset(half)
    for old, new in zip(model.weights, restored.weights, strict=True):
        assert new.dtype == "float32"
        if len(old.shape) < 2:
            np.testing.assert_array_equal(old.numpy(), new.numpy())
    tiles = np.random.default_rng(0).integers(0, 255, (1, 32, 48, 3))
    expected = model.predict_on_batch(tiles.astype("float32"))
    actual = restored.predict_on_batch(tiles.astype("float32"))
    assert np.abs(actual - expected).max() <= 0.01 * np.abs(expected).max()


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "full"
    _tiny_model().save_to_preset(folder)
    return folder


class TestCommand:
    """It says what half precision costs, and keeps to a size limit."""

    def test_prints_the_largest_difference_of_logits(
        self, full, tmp_path, capsys
    ):
        main(full, tmp_path / "half")
        printed = capsys.readouterr().out
        found = compare_presets(full, tmp_path / "half")
        assert 0 < found.largest < 0.01 * found.logits
        assert f"logits {found.largest:.2g}, of logits" in printed
        assert "of the pixels change class" in printed
        assert compare_presets(full, full).largest == 0

    def test_a_network_that_changed_is_seen(self, full, tmp_path):
        main(full, tmp_path / "half")
        weights = tmp_path / "half" / "model.weights.h5"
        with h5py.File(weights, "r+") as file:

            def negate(name, item):
                if isinstance(item, h5py.Dataset) and item.ndim == 4:
                    item[...] = -item[()]

            file.visititems(negate)
        record_sums(weights.parent)
        found = compare_presets(full, tmp_path / "half")
        assert found.largest > 0.05 * found.logits and found.other_classes > 0

    def test_more_than_asked_for_is_refused(self, full, tmp_path, capsys):
        with pytest.raises(SystemExit):
            main(full, tmp_path / "half", at_most=0.01)
        assert "more than --at-most 0.01" in capsys.readouterr().err
        assert not list(tmp_path.iterdir())
        main(full, tmp_path / "half", at_most=25)
        assert (tmp_path / "half" / "task.json").is_file()


def test_a_weight_beyond_float16_is_refused_not_made_infinite(tmp_path):
    source = tmp_path / "a.weights.h5"
    with h5py.File(source, "w") as file:
        file.create_dataset("kernel", data=np.full((2, 2), 1e6, "float32"))
    with pytest.raises(ValueError, match="kernel.*65504.*1000000"):
        halve_weights(source, tmp_path / "b.weights.h5")
