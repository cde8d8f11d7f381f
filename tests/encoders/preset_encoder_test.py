"""A misspelt argument of a network is an error, not the default."""

import pytest

import keras_rsseg
from tests.models.tiny_encoder import TinyEncoder


@pytest.mark.parametrize(
    "make",
    [
        keras_rsseg.encoders.HRNetEncoder,
        keras_rsseg.encoders.ResNetEncoder,
        lambda **kwargs: keras_rsseg.models.HRNetBackbone(
            TinyEncoder(), **kwargs
        ),
        lambda **kwargs: keras_rsseg.models.PFNetBackbone(
            TinyEncoder(), fpn_dim=8, **kwargs
        ),
    ],
)
def test_refuses_unknown_arguments(make):
    with pytest.raises(TypeError, match=r"no arguments \['widht'\]"):
        make(widht=18)


def test_accepts_what_keras_knows():
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, name="trunk", trainable=False
    )
    assert encoder.name == "trunk"
    assert not encoder.trainable_variables
