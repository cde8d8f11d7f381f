"""Small scenes in the layout of the Dubai data set, and an encoder."""

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

import keras_rsseg
from examples import train_dubai
from tests.examples.places import make_kampala
from tests.examples.places import make_ohio
from tests.models.tiny_encoder import TinyEncoder


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


@pytest.fixture(scope="package")
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


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Small tiles, and no graphs, which take longer to make than some steps."""
    tf = pytest.importorskip("tensorflow")
    monkeypatch.setattr(train_dubai, "SCORE_TILE_SIZE", 48)
    # All validation parts at once.
    monkeypatch.setattr(train_dubai, "SCORE_BATCH_SIZE", 18)
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def tiny_encoder(tmp_path_factory, monkeypatch):
    """A preset of a tiny encoder in place of a ResNet."""
    monkeypatch.setattr(keras_rsseg.encoders, "ResNetEncoder", TinyEncoder)
    folder = tmp_path_factory.mktemp("tiny_encoder")
    TinyEncoder().save_to_preset(folder)
    return folder


@pytest.fixture(scope="package")
def encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    keras_rsseg.encoders.ResNetEncoder(18).save_to_preset(folder)
    return folder


@pytest.fixture(scope="package")
def places(scenes, tmp_path_factory):
    """A folder with small data of all places where land cover is scored."""
    root = tmp_path_factory.mktemp("places")
    (root / "dubai").symlink_to(scenes)
    make_ohio(root)
    make_kampala(root)
    return root
