"""Virtual rasters: GDAL's XML (VRT) that describes one raster by others."""

import os
import uuid
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import rasterio.shutil
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.rpc import RPC
from rasterio.transform import Affine

from keras_rsseg.rasters.opener import RasterReadError
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.sources import absolute_source
from keras_rsseg.rasters.windows import Window

Element = ElementTree.Element

# Elements that place a raster, or go beyond the values of its bands.
_PLACES = ("SRS", "GeoTransform", "GCPList", "Metadata", "OverviewList")


class VirtualRaster:
    """A raster made of parts of others, without copying a pixel.

    Args:
        height: number of rows.
        width: number of columns.
        crs: reference system, of the control points if there are any.
        transform: of the pixels, or `None`.
        gcps: ground control points, instead of the transform.
        tags: of the raster.
        rpcs: rational polynomial coefficients, or `None`.
    """

    def __init__(
        self,
        height: int,
        width: int,
        crs: CRS | None = None,
        transform: Affine | None = None,
        gcps: Sequence[GroundControlPoint] = (),
        tags: Mapping[str, Any] | None = None,
        rpcs: RPC | None = None,
    ):
        self._root = Element("VRTDataset", _sizes("raster", height, width))
        if gcps:
            self._add_points(gcps, crs)
        else:
            if crs is not None:
                _add_text(self._root, "SRS", crs.to_wkt())
            if transform is not None:
                numbers = map(repr, map(float, transform.to_gdal()))
                _add_text(self._root, "GeoTransform", ", ".join(numbers))
        if tags is not None:
            _add_tags(self._root, tags)
        if rpcs is not None:
            _add_tags(self._root, rpcs.to_gdal(), domain="RPC")
        self._count = 0

    def add_band(
        self, dtype: str = "Byte", block: int | None = None
    ) -> "VirtualBand":
        """Add a band, to be filled from others.

        Args:
            dtype: its data type, as GDAL calls it.
            block: size of the blocks to read it by, GDAL's if `None`.

        Returns:
            A `VirtualBand`.
        """
        self._count += 1
        attributes = {"dataType": dtype, "band": str(self._count)}
        if block is not None:
            attributes |= _sizes("block", block, block)
        element = ElementTree.SubElement(
            self._root, "VRTRasterBand", attributes
        )
        return VirtualBand(element, self._count, block)

    def set_mask(
        self,
        path: str | os.PathLike,
        number: str,
        size: tuple[int, int],
        place: Window,
    ) -> None:
        """Take the mask of valid pixels from another raster.

        Args:
            path: path of the raster.
            number: of its band; `"mask,1"` for the mask of the first.
            size: `(height, width)` of the raster.
            place: where it lies in this one.
        """
        element = ElementTree.SubElement(self._root, "MaskBand")
        attributes = {"dataType": "Byte"}
        band = ElementTree.SubElement(element, "VRTRasterBand", attributes)
        source = ElementTree.SubElement(band, "SimpleSource")
        name = _add_text(source, "SourceFilename", absolute_source(str(path)))
        name.set("relativeToVRT", "0")
        _add_text(source, "SourceBand", number)
        _add_rectangles(source, place, size)

    def to_xml(self) -> bytes:
        """Return the description."""
        return ElementTree.tostring(self._root, encoding="utf-8")

    def _add_points(
        self, points: Sequence[GroundControlPoint], crs: CRS | None
    ) -> None:
        wkt = crs.to_wkt() if crs else ""
        element = ElementTree.SubElement(self._root, "GCPList", Projection=wkt)
        for number, point in enumerate(points, 1):
            ElementTree.SubElement(
                element,
                "GCP",
                Id=str(point.id or number),
                Info=str(point.info or ""),
                Pixel=repr(float(point.col)),
                Line=repr(float(point.row)),
                X=repr(float(point.x)),
                Y=repr(float(point.y)),
                Z=repr(float(point.z or 0)),
            )


class VirtualBand:
    """A band of a `VirtualRaster`, made by its `add_band`."""

    def __init__(self, element: Element, number: int, block: int | None):
        self._element = element
        self._number = number
        self._block = block

    def add_overlay(
        self,
        path: str | os.PathLike,
        place: Window,
        nodata: float,
        folder: str | os.PathLike,
    ) -> None:
        """Lay another raster over what was added before.

        Args:
            path: path of the raster; the pixels of its first band are taken
                one to one.
            place: where it lies in the band; as large as the raster.
            nodata: its value at which what lies below shows through.
            folder: where the description will lie; paths are relative to it.
        """
        source = ElementTree.SubElement(self._element, "ComplexSource")
        relative = os.path.relpath(path, folder)
        name = _add_text(source, "SourceFilename", relative)
        name.set("relativeToVRT", "1")
        _add_text(source, "SourceBand", 1)
        _add_rectangles(source, place)
        _add_text(source, "NODATA", nodata)

    def describe(
        self,
        *,
        nodata: float | None = None,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
        color: str | None = None,
        colors: Mapping[int, Sequence[int]] | None = None,
        scale: float | None = None,
        offset: float = 0,
    ) -> None:
        """Say what the values of the band mean.

        Args:
            nodata: the value that means no data.
            tags: of the band.
            description: its name.
            color: its colour interpretation, as GDAL calls it.
            colors: `{value: (r, g, b, a)}`, a colour table.
            scale: what values are multiplied by.
            offset: what is then added.
        """
        if nodata is not None:
            _add_text(self._element, "NoDataValue", nodata)
        if tags is not None:
            _add_tags(self._element, tags)
        for name, value in (
            ("Description", description),
            ("ColorInterp", color),
        ):
            if value is not None:
                _add_text(self._element, name, value)
        if colors is not None:
            self._add_colors(colors)
        if scale is not None:
            _add_text(self._element, "Offset", offset)
            _add_text(self._element, "Scale", scale)

    def add_source(
        self,
        path: str | os.PathLike,
        place: Window,
        number: int | None = None,
        size: tuple[int, int] | None = None,
    ) -> None:
        """Show another raster in a part of the band.

        Args:
            path: path of the raster.
            place: where it lies in the band.
            number: which of its bands; defaults to the number of this one.
            size: `(height, width)` of the raster. If `place` has another
                size, pixels are interpolated, else taken one to one.
        """
        source = ElementTree.SubElement(self._element, "SimpleSource")
        if size is not None and size != (place.height, place.width):
            source.set("resampling", "bilinear")
        name = _add_text(source, "SourceFilename", absolute_source(str(path)))
        name.set("relativeToVRT", "0")
        _add_text(source, "SourceBand", number or self._number)
        if self._block is not None:
            # Saves GDAL from opening every source at once.
            properties = {
                **_sizes("Raster", place.height, place.width),
                "DataType": self._element.attrib["dataType"],
                **_sizes("Block", self._block, self._block),
            }
            ElementTree.SubElement(source, "SourceProperties", properties)
        _add_rectangles(source, place, size)

    def _add_colors(self, colors: Mapping[int, Sequence[int]]) -> None:
        table = ElementTree.SubElement(self._element, "ColorTable")
        for index in range(256):
            rgba = map(str, colors.get(index, (0, 0, 0, 255)))
            channels = zip(("c1", "c2", "c3", "c4"), rgba, strict=True)
            ElementTree.SubElement(table, "Entry", dict(channels))


def pixel_view(
    dataset: DatasetReader,
    bands: Iterable[int],
    mask: str | None = None,
    place: Window | None = None,
) -> str:
    """Describe bands of a raster in pixel coordinates, without nodata values.

    Args:
        dataset: an open rasterio dataset.
        bands: numbers of the bands, from 1.
        mask: path of a raster that replaces all signs of what holds data, or
            `None`.
        place: where the mask lies; nothing outside it holds data. `None` if
            it covers the whole raster.

    Returns:
        The XML of a virtual raster, north up, whose pixels measure 1.
    """
    try:
        root = ElementTree.fromstring(_virtual_copy(dataset))
    except ElementTree.ParseError as error:
        raise RasterReadError(
            f"{dataset.name} cannot be read: text in it has characters that "
            f"XML does not allow ({error})"
        ) from error
    own, meanings = root.findall("VRTRasterBand"), dataset.colorinterp
    left_out = {*_PLACES, "VRTRasterBand"}
    root[:] = [element for element in root if element.tag not in left_out]
    for number, wanted in enumerate(bands, 1):
        # A band that is read twice needs two elements.
        band = ElementTree.fromstring(ElementTree.tostring(own[wanted - 1]))
        band.set("band", str(number))
        for element in band.findall("NoDataValue"):
            band.remove(element)
        if meanings[wanted - 1] != ColorInterp.alpha:
            # Not alpha if the user says so, whatever the file says.
            for element in band.findall("ColorInterp"):
                band.remove(element)
        root.append(band)
    if mask is not None:
        for element in root.findall("MaskBand"):
            root.remove(element)
        place = place or Window(0, 0, *dataset.shape)
        root.append(_mask_band(mask, place))
    _add_text(root, "GeoTransform", "0, 1, 0, 0, 0, -1")
    return ElementTree.tostring(root, encoding="unicode")


def _virtual_copy(dataset: DatasetReader) -> str:
    path = f"/vsimem/{uuid.uuid4().hex}.vrt"
    rasterio.shutil.copy(dataset, path, driver="VRT")
    try:
        with open_raster(path) as virtual:
            return virtual.tags(ns="xml:VRT")["xml:VRT"]
    finally:
        rasterio.shutil.delete(path, driver="VRT")


def _mask_band(path: str, place: Window) -> Element:
    element = Element("MaskBand")
    band = ElementTree.SubElement(element, "VRTRasterBand", dataType="Byte")
    source = ElementTree.SubElement(band, "SimpleSource")
    _add_text(source, "SourceFilename", path).set("relativeToVRT", "0")
    _add_text(source, "SourceBand", 1)
    _add_rectangles(source, place)
    return element


def _add_rectangles(
    source: Element, place: Window, size: tuple[int, int] | None = None
) -> None:
    height, width = size or (place.height, place.width)
    for name, window in (
        ("SrcRect", Window(0, 0, height, width)),
        ("DstRect", place),
    ):
        corner = {"xOff": str(window.col), "yOff": str(window.row)}
        length = {"xSize": str(window.width), "ySize": str(window.height)}
        ElementTree.SubElement(source, name, {**corner, **length})


def _sizes(prefix: str, height: int, width: int) -> dict[str, str]:
    return {f"{prefix}XSize": str(width), f"{prefix}YSize": str(height)}


def _add_tags(
    element: Element, tags: Mapping[str, Any], domain: str | None = None
) -> None:
    attributes = {} if domain is None else {"domain": domain}
    metadata = ElementTree.SubElement(element, "Metadata", attributes)
    for key, value in tags.items():
        _add_text(metadata, "MDI", value).set("key", key)


def _add_text(parent: Element, name: str, value: Any) -> Element:
    child = ElementTree.SubElement(parent, name)
    child.text = str(value)
    return child
