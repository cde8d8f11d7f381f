"""Tiles put back to scenes."""

import numpy as np


def join_tiles(batches):
    """Put tiles back where they were cut.

    The inverse of `tile_records(places=True)` and `tile_dataset(places=
    True)`; where tiles overlap, the later one stays. What lies beyond a
    scene is dropped. All scenes are held in memory.

    Args:
        batches: iterable of `(tiles, places)`: arrays or tensors
            `(B, h, w)` or `(B, h, w, C)`, such as images, masks or
            predictions, and the places that came with them.

    Returns:
        A dict from each scene's name to an array `(H, W)` or `(H, W, C)`,
        0 where no tile was.

    Example:

    ```python
    maps = join_tiles(
        (model.predict_on_batch(images).argmax(-1), places)
        for images, _, places in tile_records(records, places=True)
    )
    ```
    """
    scenes = {}
    for tiles, places in batches:
        tiles = np.asarray(tiles)
        places = {key: np.asarray(value) for key, value in places.items()}
        for index, tile in enumerate(tiles):
            name, row, col, height, width = (
                places[key][index]
                for key in ("name", "row", "col", "height", "width")
            )
            name = name.decode() if isinstance(name, bytes) else str(name)
            if name not in scenes:
                shape = (int(height), int(width), *tile.shape[2:])
                scenes[name] = np.zeros(shape, tile.dtype)
            _paste(scenes[name], tile, int(row), int(col))
    return scenes


def _paste(scene, tile, row, col):
    top, left = max(row, 0), max(col, 0)
    part = scene[top : row + tile.shape[0], left : col + tile.shape[1]]
    height, width = part.shape[:2]
    part[...] = tile[top - row :, left - col :][:height, :width]
