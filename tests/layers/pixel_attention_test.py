"""What the attentions between pixels share: their projections."""

import pytest

from keras_rsseg.layers.position_attention import PositionAttention


def test_queries_and_keys_are_reduced_to_one_channel_at_least():
    for channels, reduced in ((64, 8), (20, 2), (5, 1)):
        layer = PositionAttention()
        layer.build((None, None, None, channels))
        widths = [x.filters for x in (layer.query, layer.key, layer.value)]
        assert widths == [reduced, reduced, channels]


@pytest.mark.parametrize("reduction", [0, -8, 1.5])
def test_bad_reduction_is_refused(reduction):
    with pytest.raises(ValueError, match="reduction"):
        PositionAttention(reduction=reduction)


def test_unknown_channels_are_refused():
    with pytest.raises(ValueError, match="channels"):
        PositionAttention().build((None, 8, 8, None))
