"""The protocols are the papers' numbers, and none is mixed in silence."""

import pytest

from keras_rsseg.data.protocols import PROTOCOLS
from keras_rsseg.data.protocols import TilingProtocol
from keras_rsseg.data.protocols import as_protocol
from keras_rsseg.data.protocols import tile_and_stride


@pytest.mark.parametrize(
    "name, tile, stride",
    [
        ("isaid", 896, 512),
        ("isprs_768", 768, 512),
        ("isprs_896", 896, 512),
        ("ifwm", 512, 400),
        ("released", 800, 600),
    ],
)
def test_numbers_of_the_papers(name, tile, stride):
    protocol = as_protocol(name)
    assert protocol.name == name and protocol.source
    assert tile_and_stride(protocol=name) == ((tile,) * 2, (stride,) * 2)
    assert bool(protocol.rotation) == (name == "ifwm")


def test_a_protocol_of_ones_own():
    protocol = TilingProtocol("mine", 256, 200)
    assert as_protocol(protocol) is protocol and "mine" not in PROTOCOLS
    assert tile_and_stride(protocol=protocol) == ((256, 256), (200, 200))


def test_defaults():
    assert tile_and_stride() == ((512, 512), (512, 512))
    assert tile_and_stride((64, 32)) == ((64, 32), (64, 32))
    assert tile_and_stride(64, (16, 8)) == ((64, 64), (16, 8))


@pytest.mark.parametrize("given", [dict(tile_size=64), dict(stride=64)])
def test_a_protocol_beside_other_numbers_is_refused(given):
    with pytest.raises(ValueError, match=f"sets `{next(iter(given))}`"):
        tile_and_stride(protocol="isaid", **given)


@pytest.mark.parametrize("name", ["ISAID", "vaihingen", 896, None, ["isaid"]])
def test_unknown_protocols_are_named(name):
    with pytest.raises(ValueError, match="`protocol` must be one of"):
        as_protocol(name)
