"""Suspicious tiles and masks are reported, and nothing else."""

import numpy as np
import pytest

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.sample_checks import TileValues
from keras_rsseg.sample_checks import check_values
from keras_rsseg.sample_checks import check_whole
from keras_rsseg.sample_checks import doubt_ids
from keras_rsseg.sample_checks import ids_hint


def values(low, high, dtype="float32", fractions=True):
    tiles = np.linspace(low, high, 999).astype(dtype).reshape(1, 9, 37, 3)
    return TileValues.of(tiles if fractions else np.round(tiles))


class TestValues:
    def test_parts_taken_together_are_those_of_the_whole(self):
        tiles = np.random.default_rng(0).normal(0, 9, (4, 8, 8, 3))
        tiles[1, 2, 3, 0] = np.nan
        tiles[2, 2, 3] = np.inf
        parts = TileValues.of(tiles[:2]) + TileValues.of(tiles[2:])
        assert parts == TileValues.of(tiles)
        assert parts.pixels == 256 and parts.not_finite == 2
        kept = tiles[np.isfinite(tiles).all(-1)]
        assert (parts.low, parts.high) == (kept.min(), kept.max())

    @pytest.mark.parametrize(
        "found, value_range",
        [
            (values(0, 255, "uint8"), (0, 255)),
            (values(3, 90, "uint8"), (0, 255)),
            (values(0, 0, "uint8"), (0, 255)),
            (values(7, 30), (0, 255)),
            (values(-2, 257), (0, 255)),
            (values(0, 1), (0, 1)),
            (values(0, 4000, "uint16"), (0, 10000)),
            (values(0, 3000, "uint16"), None),
            (TileValues(pixels=9), (0, 255)),
        ],
    )
    def test_sound_values_raise_no_doubt(self, found, value_range):
        assert check_values(found, value_range) == []

    @pytest.mark.parametrize(
        "found, value_range, message",
        [
            (values(0, 1), (0, 255), "divided by 255"),
            (values(0, 1, fractions=False), (0, 255), "divided by 255"),
            (values(-2.1, 2.6), (0, 255), "normalised"),
            (values(0, 0.9), (0, 10000), "divided by 10000"),
            (values(0, 300), (0, 255), "never trained on"),
            (values(-40, 200), (0, 255), "never trained on"),
        ],
    )
    def test_doubts(self, found, value_range, message):
        (doubt,) = check_values(found, value_range)
        assert message in doubt

    @pytest.mark.parametrize(
        "found, value_range",
        [
            (values(0, 4000, "uint16"), (0, 255)),
            (values(0, 255, "uint8"), (0, 1)),
            (values(-9999, 255), (0, 255)),
        ],
    )
    def test_another_scale_is_refused(self, found, value_range):
        with pytest.raises(ArgumentError, match="its `value_range`"):
            check_values(found, value_range)


def counts(**pixels):
    found = np.zeros(256, "int64")
    for key, count in pixels.items():
        found[int(key[1:])] = count
    return found


class TestIds:
    @pytest.mark.parametrize(
        "found, num_classes, whole, message",
        [
            (counts(_0=9, _255=9), 2, True, "0 and 255"),
            (counts(_0=9, _255=9), 2, False, "0 and 255"),
            (counts(_0=9, _255=9), 5, True, "0 and 255"),
            (counts(_0=9, _255=9), None, True, "0 and 255"),
            (counts(_255=9), 2, False, "no labelled pixel"),
            (counts(_0=9, _2=9), 4, True, "2 of 4 classes: 1, 3"),
        ],
    )
    def test_doubts(self, found, num_classes, whole, message):
        (doubt,) = doubt_ids(found, num_classes, whole=whole)
        assert message in doubt

    @pytest.mark.parametrize(
        "found, num_classes, whole",
        [
            (counts(_0=9, _1=1), 2, True),
            (counts(_0=9, _1=1, _255=4), 2, True),
            (counts(_0=9), 2, False),
            (counts(_0=9, _255=9), 16, False),
            (counts(_0=9, _255=9), 1, True),
            (counts(_3=9), None, True),
            (counts(), 2, True),
        ],
    )
    def test_sound_ids_raise_none(self, found, num_classes, whole):
        assert doubt_ids(found, num_classes, whole=whole) == []

    def test_ids_from_1_are_recognised(self):
        assert "begin at 1" in ids_hint([1, 2, 3], 3)
        assert "begin at 1" in ids_hint([0, 1, 3, 255], 3)
        assert ids_hint([0, 4], 3) == ids_hint([255], 3) == ""

    def test_fractions(self):
        check_whole(np.array([0.0, 3.0, 255.0]))
        check_whole(np.array([0, 3], "uint8"))
        with pytest.raises(MaskError, match="0.25, 1.5.*nearest"):
            check_whole(np.array([1.5, 0.25, 2.0]))
