"""The training script runs as its docstring says, from files to a preset."""

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

import keras_rsseg
from examples import train_dubai

pytest.importorskip("tensorflow")


def _write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "JPEG" if path.suffix == ".jpg" else "PNG",
        "height": array.shape[0],
        "width": array.shape[1],
        "count": 3,
        "dtype": "uint8",
    }
    with pytest.warns(NotGeoreferencedWarning):
        with rasterio.open(path, "w", **profile) as file:
            file.write(array.transpose(2, 0, 1))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Small scenes in the layout of the data set, brighter means higher id."""
    root = tmp_path_factory.mktemp("dubai")
    rng = np.random.default_rng(0)
    colors = np.array(train_dubai.PALETTE.colors, "uint8")
    for scene in train_dubai.SCENES:
        for part in range(1, 10):
            ids = rng.integers(0, 5, (5, 6)).repeat(8, 0).repeat(8, 1)
            image = np.repeat(ids[..., None] * 50, 3, axis=2).astype("uint8")
            folder = root / f"tile_{scene}"
            name = f"image_part_{part:03d}"
            _write(folder / "images" / f"{name}.jpg", image)
            _write(folder / "masks" / f"{name}.png", colors[ids])
    return root


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    keras_rsseg.encoders.ResNetEncoder(18).save_to_preset(folder)
    return folder


def test_trains_scores_and_writes_a_preset(scenes, encoder, tmp_path, capsys):
    output = tmp_path / "preset"
    train_dubai.main(
        f"{scenes} --system semantic_fpn --encoder {encoder} --output {output} "
        "--steps 2 --batch-size 2 --tile-size 32".split()
    )
    printed = capsys.readouterr().out
    assert "validation mean IoU 0." in printed
    for name in train_dubai.PALETTE.names:
        assert name in printed
    model = keras_rsseg.SemanticFPN.from_preset(output)
    assert model.class_names == train_dubai.PALETTE.names
    assert model.palette == list(map(tuple, train_dubai.PALETTE.colors))
    assert model.ground_sample_distance == pytest.approx(0.8)


def test_every_part_is_either_trained_on_or_validated(scenes):
    training = train_dubai.files(scenes, train_dubai.TRAINING_PARTS)
    validation = train_dubai.files(scenes, train_dubai.VALIDATION_PARTS)
    assert len(training[0]) == 36 and len(validation[0]) == 18
    assert not set(training[0]) & set(validation[0])
    assert all(
        path.exists()
        for pair in (training, validation)
        for path in [*pair[0], *pair[1]]
    )
