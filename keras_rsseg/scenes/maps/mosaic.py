"""A virtual raster (VRT) over the finished blocks of a map."""

from xml.etree import ElementTree


def mosaic_xml(folder, product, grid, records, legend, tags):
    """Describe the map of a product as GDAL's virtual format.

    All that a reader of the map should find is said here: what GDAL copies
    from it is complete.

    Args:
        folder: `pathlib.Path` where the blocks lie.
        product: their `Product`.
        grid: a `MapGrid`.
        records: list of `BlockRecord`; where none lies is no data.
        legend: a complete `Legend`.
        tags: dict of tags of the dataset.

    Returns:
        XML as bytes.
    """
    root = ElementTree.Element(
        "VRTDataset",
        rasterXSize=str(grid.width),
        rasterYSize=str(grid.height),
    )
    _add_grid(root, grid)
    kind = {"uncertainty": product.kind} if product.kind else {}
    _add_tags(root, {**tags, "product": product.name, **kind})
    for number in range(1, product.bands(legend.num_classes or 1) + 1):
        band = _add_band(root, number, product, legend)
        for record in records:
            if record.files:
                _add_source(band, number, folder, product, record)
    return ElementTree.tostring(root, encoding="utf-8")


def _add_grid(root, grid):
    if grid.gcps:
        wkt = grid.crs.to_wkt() if grid.crs else ""
        points = ElementTree.SubElement(root, "GCPList", Projection=wkt)
        for number, point in enumerate(grid.gcps, 1):
            ElementTree.SubElement(
                points,
                "GCP",
                Id=str(point.id or number),
                Info=str(point.info or ""),
                Pixel=repr(float(point.col)),
                Line=repr(float(point.row)),
                X=repr(float(point.x)),
                Y=repr(float(point.y)),
                Z=repr(float(point.z or 0)),
            )
        return
    if grid.crs is not None:
        _add_text(root, "SRS", grid.crs.to_wkt())
    if grid.transform is not None:
        numbers = map(repr, map(float, grid.transform.to_gdal()))
        _add_text(root, "GeoTransform", ", ".join(numbers))


def _add_band(root, number, product, legend):
    half = product.dtype == "float16"
    band = ElementTree.SubElement(
        root,
        "VRTRasterBand",
        dataType="Float32" if half else "Byte",
        band=str(number),
        # Read like the map is written.
        blockXSize="512",
        blockYSize="512",
    )
    _add_text(band, "NoDataValue", product.nodata)
    names = legend.names or []
    if product.name == "classes":
        _add_tags(band, {f"class_{i}": name for i, name in enumerate(names)})
        _add_text(band, "Description", "class")
        _add_text(band, "ColorInterp", "Palette")
        _add_colors(band, legend.colormap())
        return band
    if product.name == "probabilities":
        described = names[number - 1] if names else f"class_{number - 1}"
    else:
        described = product.kind
    _add_text(band, "Description", described)
    # Three classes are no red, green and blue, and a fourth is no alpha.
    _add_text(band, "ColorInterp", "Gray" if number == 1 else "Undefined")
    if product.scale != 1:
        _add_text(band, "Offset", 0)
        _add_text(band, "Scale", product.scale)
    return band


def _add_colors(band, colors):
    table = ElementTree.SubElement(band, "ColorTable")
    for index in range(256):
        rgba = colors.get(index, (0, 0, 0, 255))
        channels = zip(("c1", "c2", "c3", "c4"), map(str, rgba), strict=True)
        ElementTree.SubElement(table, "Entry", dict(channels))


def _add_source(band, number, folder, product, record):
    source = ElementTree.SubElement(band, "SimpleSource")
    path = record.raster_path(folder, product.name).absolute()
    _add_text(source, "SourceFilename", path).set("relativeToVRT", "0")
    _add_text(source, "SourceBand", number)
    size = {"xSize": str(record.width), "ySize": str(record.height)}
    # Spares GDAL opening every block at once.
    ElementTree.SubElement(
        source,
        "SourceProperties",
        RasterXSize=str(record.width),
        RasterYSize=str(record.height),
        DataType=band.get("dataType"),
        BlockXSize="512",
        BlockYSize="512",
    )
    ElementTree.SubElement(source, "SrcRect", xOff="0", yOff="0", **size)
    ElementTree.SubElement(
        source, "DstRect", xOff=str(record.col), yOff=str(record.row), **size
    )


def _add_tags(element, tags):
    metadata = ElementTree.SubElement(element, "Metadata")
    for key, value in tags.items():
        _add_text(metadata, "MDI", value).set("key", key)


def _add_text(parent, name, value):
    child = ElementTree.SubElement(parent, name)
    child.text = str(value)
    return child
