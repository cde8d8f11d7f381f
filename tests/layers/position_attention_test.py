"""Position attention: each pixel and all pixels."""

from keras_rsseg.layers.position_attention import PositionAttention
from tests.layers import plain
from tests.layers.attention_tester import AttentionTester
from tests.layers.attention_tester import project


class TestPositionAttention(AttentionTester):
    layer_class = PositionAttention
    arguments = {"reduction": 2}

    def gather(self, layer, x):
        query, key, value = (
            y.reshape(len(x), -1, y.shape[-1]) for y in project(layer, x)
        )
        weights = plain.softmax(query @ key.transpose(0, 2, 1))
        return (weights @ value).reshape(x.shape)
