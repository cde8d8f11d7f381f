"""Draw and count the points that a PFNet samples."""

from collections.abc import Iterable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.errors import MissingPackageError
from keras_rsseg.layers.point_flow import PointFlow
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.void import VOID

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class SampledPoints(NamedTuple):
    """The points of one level of a PFNet.

    Attributes:
        layer: str, the name of the `PointFlow` layer.
        salient: float32 array `(batch, K, 2)`: row and column of the points,
            in pixels of the tile; `(0.5, 0.5)` is the centre of its first
            pixel. A point sampled twice is listed twice. `K` is 0 if the
            layer has no such points.
        boundary: the same for the boundary points.

    Example:

    ```python
    points = np.array([[[0.5, 0.5], [8.5, 3.5]]], "float32")
    level = keras_rsseg.visualize.SampledPoints("P4", points, points[:, :0])
    level.salient.shape  # (1, 2, 2)
    ```
    """

    layer: str
    salient: np.ndarray
    boundary: np.ndarray


class ForegroundRatio(NamedTuple):
    """Foreground as a share of all labelled pixels.

    Attributes:
        pixels: float, the share among all pixels, as in a dense affinity.
        points: float, the share among the sampled points of all levels
            together.

    Example:

    ```python
    ratio = keras_rsseg.visualize.ForegroundRatio(pixels=0.125, points=0.5)
    ratio.points / ratio.pixels  # 4.0
    ```
    """

    pixels: float
    points: float


def sampled_points(model: Any, tiles: Any) -> list[SampledPoints]:
    """Find the points that each PointFlow layer of a network selects.

    Args:
        model: `keras_rsseg.PFNet`, or another task whose backbone has
            `keras_rsseg.layers.PointFlow` layers.
        tiles: array `(batch, height, width, bands)`, as for `predict()`.

    Returns:
        A list of `SampledPoints`, one per layer, in the order in which
        semantics flow. A point is the centre of the selected pixel of the
        coarse map.

    Raises:
        ArgumentError: if the network has no such layer, or for tiles of the
            wrong rank.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = keras_rsseg.models.PFNetBackbone(encoder, fpn_dim=16)
    model = keras_rsseg.PFNet(backbone, num_classes=2)
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    coarsest = keras_rsseg.visualize.sampled_points(model, tiles)[0]
    coarsest.salient.shape  # (1, 196, 2)
    ```
    """
    layers = [
        layer for layer in model.backbone.layers if isinstance(layer, PointFlow)
    ]
    if not layers:
        raise ArgumentError(
            "`model` must have `PointFlow` layers, as `keras_rsseg.PFNet` "
            f"has. Received: a {type(model).__name__} without one"
        )
    tiles = np.asarray(tiles)
    if tiles.ndim != 4:
        raise ArgumentError(
            "`tiles` must have shape (batch, height, width, bands). "
            f"Received: tiles.shape={tiles.shape}"
        )
    maps = keras.Model(model.backbone.input, [x.input for x in layers])(
        _normalised(model, tiles), training=False
    )
    return [
        _points(layer, fine, coarse, tiles.shape[1:3])
        for layer, (fine, coarse) in zip(layers, maps, strict=True)
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
    """Convert flat indices of a map to rows and columns of the tile."""
    height, width = (int(length) for length in size)
    indices = ops.convert_to_numpy(indices)
    centres = np.stack([indices // width, indices % width], axis=-1) + 0.5
    scale = np.array(tile_size) / (height, width)
    return (centres * scale).astype("float32")


def plot_points(model: Any, image: Any, title: str | None = None) -> "Figure":
    """Draw the salient and the boundary points of each level over an image.

    Needs matplotlib: `pip install keras-rsseg[plot]`.

    Args:
        model: `keras_rsseg.PFNet`.
        image: array `(height, width, bands)`, a tile as for `predict()`. Its
            first three bands are shown, or only the first if there are fewer;
            uint8 unchanged, others from their smallest to their largest
            value.
        title: str above the figure, or `None`.

    Returns:
        A `matplotlib.figure.Figure` with one panel per level, coarsest first.
        Save it by `figure.savefig("points.png")`.

    Raises:
        MissingPackageError: without matplotlib.
        ArgumentError: if the network has no PointFlow layer, or `image` is
            not of rank 3.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = keras_rsseg.models.PFNetBackbone(encoder, fpn_dim=16)
    model = keras_rsseg.PFNet(backbone, num_classes=2)
    image = np.zeros((64, 64, 3), "uint8")
    figure = keras_rsseg.visualize.plot_points(model, image)
    figure.savefig("points.png")
    ```

    Reference:
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564),
          figure 4
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPackageError(
            "`plot_points` needs matplotlib: pip install matplotlib"
        ) from error

    image = np.asarray(image)
    if image.ndim != 3:
        raise ArgumentError(
            "`image` must have shape (height, width, bands). Received: "
            f"image.shape={image.shape}"
        )
    levels = sampled_points(model, image[None])
    height, width = image.shape[:2]
    figure = Figure(
        figsize=(4 * len(levels), 4 * height / width + 0.6),
        layout="constrained",
    )
    panels = figure.subplots(1, len(levels), squeeze=False)[0]
    for panel, level in zip(panels, levels, strict=True):
        panel.imshow(_shown(image), extent=(0, width, height, 0), cmap="gray")
        _scatter(panel, level.boundary[0], "x", "deepskyblue", "boundary")
        _scatter(panel, level.salient[0], "o", "orange", "salient")
        panel.set_title(level.layer, fontsize="small")
        panel.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    if title:
        figure.suptitle(title)
    return figure


def _scatter(panel, points, marker, color, label):
    if len(points):
        panel.scatter(
            points[:, 1],
            points[:, 0],
            s=12,
            marker=marker,
            color=color,
            linewidths=0.8,
            label=f"{label} points",
        )


def _shown(image):
    image = image[..., :3] if image.shape[-1] >= 3 else image[..., 0]
    if image.dtype == "uint8":
        return image
    image = image.astype("float32")
    low, high = np.nanmin(image), np.nanmax(image)
    return (image - low) / max(high - low, 1e-12)


def point_foreground_ratio(
    model: Any,
    batches: Iterable[tuple[Any, Any]],
    background: int | Sequence[int] = 0,
) -> ForegroundRatio:
    """Compare the foreground among pixels and among sampled points.

    In aerial images most pixels are background. The PointFlow paper reports
    2.89 % foreground among the pixels of iSAID and 7.83 % among the points
    that its network samples. A share here is `foreground / (foreground +
    background)`, without void.

    Args:
        model: `keras_rsseg.PFNet`.
        batches: iterable of `(tiles, masks)`, such as a `tf.data.Dataset`
            from `keras_rsseg.data.tile_dataset`: tiles as for
            `predict()`, masks integer `(batch, height, width)`, 255 is void.
        background: int, or a tuple of ints. The classes that are not
            foreground. Defaults to `0`.

    Returns:
        A `ForegroundRatio` named tuple; NaN if nothing is labelled.

    Raises:
        ArgumentError: if the network has no PointFlow layer.
        MaskError: for masks that do not fit the tiles.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = keras_rsseg.models.PFNetBackbone(encoder, fpn_dim=16)
    model = keras_rsseg.PFNet(backbone, num_classes=2)
    tiles, masks = np.zeros((1, 64, 64, 3)), np.zeros((1, 64, 64), "uint8")
    masks[:, :8] = 1
    keras_rsseg.visualize.point_foreground_ratio(
        model, [(tiles, masks)]
    ).pixels  # 0.125
    ```

    Reference:
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564)
    """
    others = np.atleast_1d(background)
    pixels, points = np.zeros(2, "int64"), np.zeros(2, "int64")
    for tiles, masks in batches:
        tiles, masks = (ops.convert_to_numpy(x) for x in (tiles, masks))
        if masks.ndim == 4:
            masks = masks[..., 0]
        if masks.shape != tiles.shape[:3]:
            raise MaskError(
                "Masks must have the size of their tiles. Received: tiles of "
                f"{tiles.shape[:3]}, masks of {masks.shape}"
            )
        pixels += _count(masks, others)
        for level in sampled_points(model, tiles):
            for located in (level.salient, level.boundary):
                points += _count(_labels_at(masks, located), others)
    return ForegroundRatio(_share(pixels), _share(points))


def _labels_at(masks, points):
    rows, columns = np.moveaxis(points.astype("int64"), -1, 0)
    return masks[np.arange(len(masks))[:, None], rows, columns]


def _count(labels, background):
    """Number of foreground and of labelled pixels."""
    labels = labels[labels != VOID]
    return np.array([np.sum(~np.isin(labels, background)), labels.size])


def _share(counts):
    foreground, labelled = counts
    return float(foreground / labelled) if labelled else float("nan")
