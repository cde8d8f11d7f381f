"""Where on a tile the points lie through which semantics flow."""

import collections

import keras
import numpy as np
from keras import ops

from keras_rsseg.layers.point_flow import PointFlow
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import spatial_size

SampledPoints = collections.namedtuple(
    "SampledPoints", ["layer", "salient", "boundary"]
)
SampledPoints.__doc__ = """The points of one level of a PFNet.

Fields:
    layer: str, the name of the `PointFlow` layer.
    salient: float32 array `(batch, K, 2)`: row and column of the points, in
        pixels of the tile; `(0.5, 0.5)` is the centre of its first pixel.
        A point that was sampled twice is there twice. `K` is 0 where the
        layer has no such points.
    boundary: the same of the boundary points.
"""


def sampled_points(model, tiles):
    """Find the points that each PointFlow layer of a network selects.

    Args:
        model: `keras_rsseg.PFNet`, or another task whose backbone has
            `keras_rsseg.layers.PointFlow` layers.
        tiles: array `(batch, height, width, bands)`, as for `predict()`.

    Returns:
        A list of `SampledPoints`, one a layer, in the order in which
        semantics flow. A point is the centre of the pixel of the coarse map
        that was selected.

    Raises:
        ValueError: if the network has no such layer, or for tiles of another
            rank.

    Example:

    ```python
    tiles = np.zeros((1, 128, 128, 3), "uint8")
    coarsest = keras_rsseg.visualize.sampled_points(model, tiles)[0]
    coarsest.salient.shape  # (1, 196, 2)
    ```
    """
    layers = [
        layer for layer in model.backbone.layers if isinstance(layer, PointFlow)
    ]
    if not layers:
        raise ValueError(
            "`model` must have `PointFlow` layers, as `keras_rsseg.PFNet` "
            f"has. Received: a {type(model).__name__} without one"
        )
    tiles = np.asarray(tiles)
    if tiles.ndim != 4:
        raise ValueError(
            "`tiles` must have shape (batch, height, width, bands). "
            f"Received: tiles.shape={tiles.shape}"
        )
    maps = keras.Model(model.backbone.input, [x.input for x in layers])(
        _normalised(model, tiles), training=False
    )
    return [
        _points(layer, *pair, tiles.shape[1:3])
        for layer, pair in zip(layers, maps, strict=True)
    ]


def _normalised(model, tiles):
    if model.preprocessor is not None:
        tiles = model.preprocessor(tiles)
    tiles = ops.cast(tiles, "float32")
    return from_channels_last(tiles, model.backbone.data_format)


def _points(layer, fine, coarse, tile_size):
    points = layer.select_points(fine, coarse)
    size = spatial_size(coarse, layer.data_format)
    salient, boundary = (
        _centres(indices, size, tile_size)
        for indices in (points.salient_coarse, points.boundary_coarse)
    )
    return SampledPoints(layer.name, salient, boundary)


def _centres(indices, size, tile_size):
    """Flat indices of a map as rows and columns in pixels of the tile."""
    height, width = (int(length) for length in size)
    indices = ops.convert_to_numpy(indices)
    centres = np.stack([indices // width, indices % width], axis=-1) + 0.5
    scale = np.array(tile_size) / (height, width)
    return (centres * scale).astype("float32")
