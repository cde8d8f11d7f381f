"""What ships in half precision predicts what was trained."""

import json

import h5py
import numpy as np
import pytest

import keras_rsseg
from weights.halve_preset import halve_preset
from weights.halve_preset import halve_weights


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


def test_a_weight_beyond_float16_is_refused_not_made_infinite(tmp_path):
    source = tmp_path / "a.weights.h5"
    with h5py.File(source, "w") as file:
        file.create_dataset("kernel", data=np.full((2, 2), 1e6, "float32"))
    with pytest.raises(ValueError, match="kernel.*65504.*1000000"):
        halve_weights(source, tmp_path / "b.weights.h5")
