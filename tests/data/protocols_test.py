"""The protocols have the papers' numbers, and are not mixed silently."""

import pytest

from keras_rsseg.data.protocols import PROTOCOLS
from keras_rsseg.data.protocols import TilingProtocol
from keras_rsseg.data.protocols import as_protocol
from keras_rsseg.data.protocols import paper_augmentation
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


def test_recipes_are_those_of_the_released_scripts():
    isaid, isprs = paper_augmentation("isaid"), paper_augmentation("isprs")
    assert isaid.flip is True and isaid.scale == (1.0, 1.0)
    assert isprs.flip == "horizontal" and isprs.scale == (0.5, 2.0)
    assert isprs.scale_distribution == "uniform"
    for recipe in (isaid, isprs):
        assert recipe.rotate90 and recipe.blur == (0.15, 1.3)
        assert recipe.brightness == recipe.contrast == recipe.haze == 0
    assert paper_augmentation("ifwm").rotate == 180


def test_a_change_leaves_the_rest():
    changed = paper_augmentation("isprs", blur=0, brightness=0.2, seed=4)
    assert changed.blur == (0, 0) and changed.brightness == 0.2
    assert changed.seed == 4 and changed.flip == "horizontal"


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="`name` must be one of"):
        paper_augmentation("loveda")
