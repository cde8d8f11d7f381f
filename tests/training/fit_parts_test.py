"""How a training is run: with a graph, or as a short trial without one."""

import keras
import pytest

from keras_rsseg.data import Augmentation
from keras_rsseg.training.fit_parts import _tiles
from keras_rsseg.training.fit_parts import runs_eagerly
from keras_rsseg.training.labelled_parts import labelled_parts
from keras_rsseg.training_options import TrainingOptions
from tests.training.training_files import roofs


def test_a_try_has_two_tiles_a_batch_and_scores_single_ones():
    images, masks = roofs(2, 128, 128)
    options = TrainingOptions(tile_size=32, limit=3)
    parts = labelled_parts(images, masks, options, None, 2)
    tiles, validation = _tiles(parts, options, Augmentation(), 3, 0)
    assert next(iter(tiles))[0].shape == (2, 32, 32, 3)
    assert [batch[0].shape[0] for batch in validation] == [1, 1, 1]
    options = TrainingOptions(tile_size=32, batch_size=5)
    tiles, validation = _tiles(parts, options, Augmentation(), 3, 0)
    for data in (tiles, validation):
        assert next(iter(data))[0].shape[0] == 5


@pytest.mark.parametrize(
    "limit, is_short", [(1, True), (10, True), (11, False), (None, False)]
)
def test_short_tries_need_no_graph(limit, is_short):
    is_tensorflow = keras.backend.backend() == "tensorflow"
    found = runs_eagerly(TrainingOptions(limit=limit))
    assert found == (is_short and is_tensorflow)
