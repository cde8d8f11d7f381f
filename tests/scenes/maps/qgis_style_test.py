"""QGIS can parse the style: names, colours, without void."""

import xml.etree.ElementTree as ElementTree

import pytest

from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.qgis_style import check_qgis_style
from keras_rsseg.scenes.maps.qgis_style import polygon_style
from keras_rsseg.scenes.maps.qgis_style import write_qgis_style
from tests.scenes.class_maps import NAMES
from tests.scenes.class_maps import PALETTE
from tests.scenes.class_maps import random_classes
from tests.scenes.class_maps import write_classes

COLORS = ["#c80000", "#00c800", "#0000c8"]


@pytest.fixture
def classes(tmp_path):
    return write_classes(tmp_path / "a map.tif", random_classes(9, 9))


def test_each_class_has_its_color_and_name(tmp_path, classes):
    path = write_qgis_style(classes)
    assert path == tmp_path / "a map.qml"
    root = ElementTree.parse(path).getroot()
    assert root.tag == "qgis"
    (renderer,) = root.findall("pipe/rasterrenderer")
    assert (renderer.get("type"), renderer.get("band")) == ("paletted", "1")
    entries = renderer.findall("colorPalette/paletteEntry")
    assert [entry.get("label") for entry in entries] == NAMES
    assert [entry.get("color") for entry in entries] == COLORS
    # Void, which the palette does not list, is transparent.
    assert [entry.get("value") for entry in entries] == ["0", "1", "2"]
    assert {entry.get("alpha") for entry in entries} == {"255"}


def test_writes_the_same_again(classes):
    first = write_qgis_style(classes).read_bytes()
    assert write_qgis_style(classes, overwrite=True).read_bytes() == first


def test_a_style_of_ones_own_is_safe(classes):
    path = classes.with_suffix(".qml")
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite"):
        write_qgis_style(classes)
    with pytest.raises(FileExistsError, match="overwrite"):
        check_qgis_style(classes)
    assert path.read_text() == "mine"
    assert len(list(classes.parent.iterdir())) == 2


def test_polygons_are_filled_by_their_class():
    legend = Legend(NAMES, PALETTE)
    root = ElementTree.fromstring(polygon_style(legend))
    (renderer,) = root.findall("renderer-v2")
    assert renderer.get("attr") == "class_id"
    categories = renderer.findall("categories/category")
    assert [item.get("value") for item in categories] == ["0", "1", "2"]
    symbols = {symbol.get("name"): symbol for symbol in renderer.iter("symbol")}
    for item, color in zip(categories, PALETTE, strict=True):
        layer = symbols[item.get("symbol")].find("layer")
        expected = ",".join(map(str, (*color, 255)))
        (option,) = layer.findall("Option/Option[@name='color']")
        (older,) = layer.findall("prop[@k='color']")
        assert option.get("value") == older.get("v") == expected
