"""Parts of a sparse GeoTIFF that were never written."""


def has_no_blocks(scene, row, col, height, width):
    """Return whether a window holds no data because nothing is stored there.

    A look at the file's index of blocks: reading what is not there would
    cost as much as reading what is.

    Args:
        scene: `SceneReader`.
        row: first row.
        col: first column.
        height: number of rows.
        width: number of columns.

    Returns:
        A bool; `False` where the index does not tell.
    """
    bands = _telling_bands(scene)
    if not bands:
        return False
    dataset = scene.dataset
    block_height, block_width = dataset.block_shapes[bands[0] - 1]
    return not any(
        dataset.get_tag_item(f"BLOCK_OFFSET_{x}_{y}", "TIFF", bidx=band)
        for band in bands
        for y in range(row // block_height, -(-(row + height) // block_height))
        for x in range(col // block_width, -(-(col + width) // block_width))
    )


def _telling_bands(scene):
    """Bands of which no pixel is valid where no block is stored.

    GDAL fills such a block with the dataset's nodata value, or with 0.
    """
    dataset, validity = scene.dataset, scene.validity
    if dataset.driver != "GTiff":
        return []
    if validity.alpha is not None and dataset.nodata is None:
        return [validity.alpha]
    values = {dataset.nodatavals[band - 1] for band in scene.bands}
    if validity.nodata is not None and values == {validity.nodata}:
        return scene.bands
    return []
