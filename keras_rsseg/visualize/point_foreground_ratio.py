"""How much foreground the sampled points see, compared with all pixels."""

import collections

import numpy as np
from keras import ops

from keras_rsseg.visualize.sampled_points import sampled_points
from keras_rsseg.void import VOID

ForegroundRatio = collections.namedtuple(
    "ForegroundRatio", ["pixels", "points"]
)
ForegroundRatio.__doc__ = """Foreground as a share of all that is labelled.

Fields:
    pixels: float, the share among all pixels: what a dense affinity sees.
    points: float, the share among the sampled points, those of all levels
        together.
"""


def point_foreground_ratio(model, batches, background=0):
    """Compare the foreground among pixels and among sampled points.

    In aerial images most pixels are background. The PointFlow paper gives
    2.89 % of foreground among the pixels of iSAID and 7.83 % among the points
    that its network samples. A share here is `foreground / (foreground +
    background)`, void left out.

    Args:
        model: `keras_rsseg.PFNet`.
        batches: iterable of `(tiles, masks)`, such as a `tf.data.Dataset`
            that `keras_rsseg.data.tile_dataset` made: tiles as for
            `predict()`, masks integer `(batch, height, width)`, 255 void.
        background: int, or a tuple of ints. The classes that are no
            foreground. Defaults to `0`.

    Returns:
        A `ForegroundRatio` named tuple; NaN where nothing is labelled.

    Raises:
        ValueError: if the network has no PointFlow layer, or for masks that
            do not fit the tiles.

    Example:

    ```python
    tiles, masks = np.zeros((1, 64, 64, 3)), np.zeros((1, 64, 64), "uint8")
    masks[:, :8] = 1
    keras_rsseg.visualize.point_foreground_ratio(model, [(tiles, masks)])
    ```

    Reference:
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564)
    """
    background = np.atleast_1d(background)
    pixels, points = np.zeros(2, "int64"), np.zeros(2, "int64")
    for tiles, masks in batches:
        tiles, masks = (ops.convert_to_numpy(x) for x in (tiles, masks))
        if masks.ndim == 4:
            masks = masks[..., 0]
        if masks.shape != tiles.shape[:3]:
            raise ValueError(
                "Masks must have the size of their tiles. Received: tiles of "
                f"{tiles.shape[:3]}, masks of {masks.shape}"
            )
        pixels += _count(masks, background)
        for level in sampled_points(model, tiles):
            for located in (level.salient, level.boundary):
                points += _count(_labels_at(masks, located), background)
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
