"""How a training is run: with a graph, or as a short try without one."""

import keras
import pytest

from keras_rsseg.training.fit_parts import runs_eagerly
from keras_rsseg.training_options import TrainingOptions


@pytest.mark.parametrize(
    "limit, is_short", [(1, True), (10, True), (11, False), (None, False)]
)
def test_short_tries_need_no_graph(limit, is_short):
    is_tensorflow = keras.backend.backend() == "tensorflow"
    found = runs_eagerly(TrainingOptions(limit=limit))
    assert found == (is_short and is_tensorflow)
