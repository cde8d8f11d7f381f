"""QGIS styles for class maps and their polygons."""

import pathlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

from keras_rsseg.checks import Color
from keras_rsseg.files import check_free
from keras_rsseg.files import write_durably
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import hex_color
from keras_rsseg.scenes.maps.class_map import open_class_map
from keras_rsseg.scenes.maps.class_map import read_legend
from keras_rsseg.typing import PathLike

_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
# Elements and attributes as this version of QGIS writes them.
_VERSION = "3.22.0"


def write_qgis_style(
    classes: PathLike, overwrite: bool = False
) -> pathlib.Path:
    """Write a map's QGIS style, to a `.qml` file beside it.

    QGIS reads it when the map is added: each class gets its colour, and its
    name in the list of layers. Void stays transparent.

    Args:
        classes: path of a map that `predict_scene` wrote.
        overwrite: whether an existing style may be replaced; it may be
            one that somebody saved in QGIS.

    Returns:
        The `pathlib.Path` of the style: that of the map, ending in .qml.

    Raises:
        FileExistsError: if it exists and `overwrite` is false.
        FileNotFoundError: if the map does not exist.
        ValueError: if `classes` is not a class map.

    Example:

    ```python
    keras.utils.save_img("scene.png", np.zeros((8, 8, 3)))
    keras_rsseg.predict_scene(
        lambda tiles: tiles, "scene.png", "classes.tif", tile_size=8
    )
    keras_rsseg.scenes.write_qgis_style("classes.tif").name  # 'classes.qml'
    ```
    """
    with open_class_map(classes) as dataset:
        legend = read_legend(dataset)
    path = check_qgis_style(classes, overwrite)
    write_durably(path, raster_style(legend).encode("utf-8"))
    return path


def check_qgis_style(
    classes: PathLike, overwrite: bool = False
) -> pathlib.Path:
    """Raise if a style cannot be written, else return its path.

    Args:
        classes: path of the map, which need not exist yet.
        overwrite: whether an existing style may be replaced.

    Raises:
        FileExistsError: if it exists and `overwrite` is false.
    """
    path = pathlib.Path(classes).with_suffix(".qml")
    check_free(path, overwrite)
    return path


def raster_style(legend: Legend) -> str:
    """Return the style of a raster of class ids, as QML.

    Args:
        legend: a complete `Legend`.

    Returns:
        A str, XML.
    """
    root = _root()
    pipe = _add(root, "pipe")
    renderer = _add(
        pipe,
        "rasterrenderer",
        type="paletted",
        band=1,
        opacity=1,
        alphaBand=-1,
        nodataColor="",
    )
    _add(renderer, "rasterTransparency")
    palette = _add(renderer, "colorPalette")
    for index, (name, color) in enumerate(_entries(legend)):
        _add(
            palette,
            "paletteEntry",
            value=index,
            label=name,
            color=hex_color(color),
            alpha=255,
        )
    _add(pipe, "brightnesscontrast", brightness=0, contrast=0, gamma=1)
    _add(pipe, "huesaturation", saturation=0, grayscaleMode=0, colorizeOn=0)
    _add(pipe, "rasterresampler", maxOversampling=2)
    _add(root, "blendMode").text = "0"
    return _text(root)


def polygon_style(legend: Legend) -> str:
    """Return the style of polygons with an attribute `class_id`, as QML.

    Args:
        legend: a complete `Legend`.

    Returns:
        A str, XML.
    """
    root = _root()
    renderer = _add(
        root,
        "renderer-v2",
        type="categorizedSymbol",
        attr="class_id",
        symbollevels=0,
        enableorderby=0,
        forceraster=0,
    )
    categories = _add(renderer, "categories")
    symbols = _add(renderer, "symbols")
    for index, (name, color) in enumerate(_entries(legend)):
        _add(
            categories,
            "category",
            value=index,
            type="long",
            symbol=index,
            label=name,
            render="true",
        )
        _add_fill(symbols, index, color)
    return _text(root)


def _add_fill(symbols: ElementTree.Element, index: int, color: Color) -> None:
    """A fill without outline, which would hide small polygons."""
    symbol = _add(
        symbols,
        "symbol",
        type="fill",
        name=index,
        alpha=1,
        clip_to_extent=1,
        force_rhr=0,
    )
    keywords = {"class": "SimpleFill", "pass": 0}
    layer = _add(symbol, "layer", **keywords, enabled=1, locked=0)
    options = {
        "color": "{},{},{},255".format(*color),
        "style": "solid",
        "outline_style": "no",
    }
    # Newer versions read the first, older ones the second.
    table = _add(layer, "Option", type="Map")
    for key, value in options.items():
        _add(table, "Option", name=key, type="QString", value=value)
    for key, value in options.items():
        _add(layer, "prop", k=key, v=value)


def _entries(legend: Legend) -> Iterator[tuple[str, Color]]:
    return zip(legend.names or [], legend.colors or [], strict=True)


def _root() -> ElementTree.Element:
    return ElementTree.Element(
        "qgis", version=_VERSION, styleCategories="Symbology"
    )


def _add(
    parent: ElementTree.Element, tag: str, **attributes: object
) -> ElementTree.Element:
    return ElementTree.SubElement(
        parent, tag, {key: str(value) for key, value in attributes.items()}
    )


def _text(root: ElementTree.Element) -> str:
    ElementTree.indent(root)
    return _DOCTYPE + ElementTree.tostring(root, encoding="unicode") + "\n"
