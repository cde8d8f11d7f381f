"""Real tiles: twenty steps make the loss fall on every backend."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.data import Palette
from keras_rsseg.data import Window
from keras_rsseg.data import read_image
from keras_rsseg.data import read_mask
from tests.encoders.hrnet_encoder_test import TINY
from tests.models.segmenter_tester import for_few_steps
from tests.models.tiny_encoder import TinyEncoder
from tests.shared import shared_path

PALETTE = Palette(
    [
        (60, 16, 152),
        (132, 41, 246),
        (110, 193, 228),
        (254, 221, 58),
        (226, 169, 41),
    ],
    void_colors=[(155, 155, 155), (0, 0, 0)],
)


def dubai_tiles():
    """Eight tiles with more than one class."""
    folder = shared_path("data", "dubai", "tile_2")
    tiles, masks = [], []
    for row in range(0, 512, 64):
        window = Window(row, 192, 64, 64)
        name = "image_part_001"
        tiles.append(read_image(folder / "images" / f"{name}.jpg", window))
        masks.append(
            read_mask(folder / "masks" / f"{name}.png", window, PALETTE)
        )
    return np.stack(tiles), np.stack(masks)


@pytest.mark.parametrize("system", ["PFNet", "HRNet"])
def test_loss_falls_on_aerial_images(system):
    tiles, masks = dubai_tiles()
    assert len(np.unique(masks)) > 1
    if system == "HRNet":
        encoder = keras_rsseg.encoders.HRNetEncoder(**TINY)
        backbone = keras_rsseg.models.HRNetBackbone(encoder)
    else:
        backbone = keras_rsseg.models.PFNetBackbone(
            TinyEncoder(), fpn_dim=8, match_dim=4, max_pool_size=3
        )
    model = getattr(keras_rsseg, system)(backbone, num_classes=5)
    model.compile(optimizer=keras.optimizers.Adam(1e-2))
    for_few_steps(model)
    history = model.fit(
        tiles, masks, batch_size=8, epochs=20, verbose=0
    ).history
    assert np.isfinite(history["loss"]).all()
    assert history["loss"][-1] < 0.95 * history["loss"][0]
