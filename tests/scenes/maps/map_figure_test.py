"""Labels, lengths and layout of figures."""

import numpy as np
import pytest

from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.map_figure import class_labels
from keras_rsseg.scenes.maps.map_figure import format_length
from keras_rsseg.scenes.maps.map_figure import scale_bar_length
from tests.scenes.class_maps import PALETTE


def test_labels_tell_the_shares_of_what_is_valid():
    counts = np.zeros(256, "int64")
    counts[[0, 2, 255]] = 3996, 4, 1000
    labels = class_labels(Legend(["a", "b", "c"], PALETTE), counts)
    assert labels == [
        ("a 99.9 %", PALETTE[0]),
        ("c 0.1 %", PALETTE[2]),
        ("no data 20.0 %", None),
    ]
    counts[:] = 0
    counts[[0, 1]] = 1, 10_000_000
    labels = class_labels(Legend(["a", "b", "c"], PALETTE), counts)
    assert [label for label, _ in labels] == ["a <0.1 %", "b 100.0 %"]


@pytest.mark.parametrize(
    "width, length, label",
    [
        (1000, 200, "200 m"),
        (800, 200, "200 m"),
        (799, 100, "100 m"),
        (40_000, 10_000, "10 km"),
        (2.5, 0.5, "50 cm"),
    ],
)
def test_scale_bars_are_round_and_short(width, length, label):
    assert scale_bar_length(width) == pytest.approx(length)
    assert format_length(scale_bar_length(width)) == label
