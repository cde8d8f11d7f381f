"""Channel attention: each channel and all channels, unlike ones first."""

import numpy as np

from keras_rsseg.layers.channel_attention import ChannelAttention
from tests.layers import plain
from tests.layers.attention_tester import AttentionTester
from tests.layers.compiled import jitted


class TestChannelAttention(AttentionTester):
    layer_class = ChannelAttention
    num_trainable = 1

    def gather(self, layer, x):
        channels = x.reshape(len(x), -1, x.shape[-1]).transpose(0, 2, 1)
        energy = channels @ channels.transpose(0, 2, 1)
        weights = plain.softmax(energy.max(-1, keepdims=True) - energy)
        return (weights @ channels).transpose(0, 2, 1).reshape(x.shape)

    def test_unlike_channels_are_exchanged(self):
        layer = ChannelAttention()
        x = np.zeros((1, 4, 4, 2), "float32")
        x[..., 0], x[..., 1] = 3.0, -2.0
        layer.build(x.shape)
        layer.gamma.assign([1.0])
        expected = np.broadcast_to([1.0, 1.0], x.shape)
        self.assert_close(jitted(layer)(x), expected, 1e-5)
