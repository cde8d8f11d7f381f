"""Real tiles: twenty steps make the loss fall on every backend."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.data import Palette
from keras_rsseg.data import Window
from keras_rsseg.data import read_image
from keras_rsseg.data import read_mask
from keras_rsseg.models import compiled_task
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


@pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="is about torch's kernels"
)
def test_kernels_in_the_order_of_convolutions_train_to_the_same(monkeypatch):
    random = np.random.default_rng(0)
    tiles = random.integers(0, 256, (4, 32, 32, 3)).astype("uint8")
    masks = random.integers(0, 3, (4, 32, 32))

    def trained():
        keras.utils.set_random_seed(0)
        backbone = keras_rsseg.models.PFNetBackbone(
            TinyEncoder(), fpn_dim=8, match_dim=4, max_pool_size=3
        )
        model = keras_rsseg.PFNet(backbone, num_classes=3)
        model.compile(optimizer=keras.optimizers.SGD(1e-2, momentum=0.9))
        model.fit(tiles, masks, batch_size=2, epochs=2, verbose=0)
        return model

    model = trained()
    for variable in (*model.trainable_variables, *model.optimizer.variables):
        if len(variable.shape) == 4:
            assert variable.value.permute(3, 2, 0, 1).is_contiguous()
    monkeypatch.setattr(compiled_task, "store_for_training", lambda _: None)
    plain = trained()
    for one, other in zip(model.weights, plain.weights, strict=True):
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(one),
            keras.ops.convert_to_numpy(other),
            rtol=1e-3,
            atol=1e-5,
        )


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="is about graphs"
)
@pytest.mark.parametrize("frozen", [False, True])
def test_a_step_is_traced_once(frozen):
    """Twice, if the optimiser made its variables in the graph."""
    backbone = keras_rsseg.models.PFNetBackbone(
        TinyEncoder(), fpn_dim=8, match_dim=4, max_pool_size=3
    )
    traces = []

    class Model(keras_rsseg.PFNet):
        def train_step(self, data):
            traces.append(data)
            return super().train_step(data)

    model = Model(backbone, num_classes=3)
    backbone.trainable = not frozen
    optimizer = keras.optimizers.AdamW(1e-2)
    model.compile(optimizer=optimizer)
    random = np.random.default_rng(0)
    tiles = random.integers(0, 256, (4, 32, 32, 3)).astype("uint8")
    masks = random.integers(0, 3, (4, 32, 32))
    before = model.get_weights()
    model.fit(tiles, masks, batch_size=2, epochs=2, verbose=0)
    assert len(traces) == 1
    moments = 2 * len(model.trainable_variables)
    assert len(optimizer.variables) == moments + 2
    changed = [
        (one != other).any()
        for one, other in zip(before, model.get_weights(), strict=True)
    ]
    assert any(changed)
