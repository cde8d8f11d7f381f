"""Tiles beside their masks, to see whether they match."""

import colorsys
from typing import TYPE_CHECKING
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from keras_rsseg.data.reading import read_image
from keras_rsseg.errors import ArgumentError
from keras_rsseg.rasters.opener import name_of
from keras_rsseg.rasters.windows import Window
from keras_rsseg.void import VOID

if TYPE_CHECKING:
    from keras_rsseg.data.check_report import CheckReport

# Places tried in an image, to find one with many classes.
_TRIED = 12
_PAIRS_A_ROW = 4
_VOID_COLOR = (128, 128, 128)


def draw_tiles(report: "CheckReport", tiles: int, tile_size: int) -> Figure:
    """Draw tiles of images, spread over all of them, beside their masks.

    Args:
        report: what `check` returned, with masks.
        tiles: number of tiles.
        tile_size: length of a tile, pixels.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ArgumentError: if no image has a mask that can be read.
    """
    kept, bands, read, palette = report.samples or ([], None, None, None)
    if not kept:
        raise ArgumentError(
            "A picture needs images with masks that can be read. There are none"
        )
    random = np.random.default_rng(0)
    places = np.linspace(0, len(kept) - 1, min(tiles, len(kept)))
    chosen = [kept[round(place)] for place in places]
    rows = -(-len(chosen) // _PAIRS_A_ROW)
    figure = Figure(
        figsize=(4 * _PAIRS_A_ROW, 2.4 * rows + 0.6), layout="constrained"
    )
    panels = figure.subplots(rows, 2 * _PAIRS_A_ROW, squeeze=False)
    for panel in panels.flat:
        panel.set_axis_off()
    colors = _colors(report, palette)
    pairs = panels.reshape(-1, 2)
    for (left, right), (image, mask) in zip(pairs, chosen, strict=False):
        window, classes = _interesting(read, mask, image, tile_size, random)
        left.imshow(_shown(read_image(image, window, bands)), cmap="gray")
        right.imshow(colors[classes], interpolation="nearest")
        name = name_of(image, "")
        left.set_title(name[-28:], fontsize=7, parse_math=False)
    _add_legend(figure, report, colors)
    return figure


def _interesting(
    read: Any, mask: Any, image: Any, size: int, random: Any
) -> tuple[Window, np.ndarray]:
    """Of some windows, the one whose mask holds most classes."""
    from keras_rsseg.data.sources import size_of

    height, width = size_of(image)
    rows, cols = min(size, height), min(size, width)
    found = []
    for _ in range(_TRIED):
        row = int(random.integers(height - rows + 1))
        col = int(random.integers(width - cols + 1))
        window = Window(row, col, rows, cols)
        ids = read.read(mask, window)
        found.append((len(set(np.unique(ids)) - {VOID}), window, ids))
    best = max(found, key=lambda entry: entry[0])
    return best[1], best[2]


def _shown(image: np.ndarray) -> np.ndarray:
    image = image[..., :3] if image.shape[-1] >= 3 else image[..., 0]
    if image.dtype == np.uint8:
        return image
    finite = image[np.isfinite(image)]
    low, high = np.percentile(finite, (2, 98)) if finite.size else (0, 1)
    return np.clip((image - low) / max(high - low, 1e-12), 0, 1)


def _colors(report: "CheckReport", palette: Any) -> np.ndarray:
    table = np.zeros((VOID + 1, 3), "uint8")
    count = int(np.flatnonzero(report.id_counts[:VOID]).max(initial=0)) + 1
    for index in range(max(count, report.num_classes or 0)):
        hue = index * 0.618 % 1
        color = colorsys.hsv_to_rgb(hue, 0.75, 0.95)
        table[index] = np.array(color) * 255
    if palette is not None:
        table[: palette.num_classes] = palette.colors
    table[VOID] = _VOID_COLOR
    return table


def _add_legend(
    figure: Figure, report: "CheckReport", colors: np.ndarray
) -> None:
    names = report.class_names or []
    handles = [
        Patch(
            color=colors[i] / 255,
            label="void"
            if i == VOID
            else (names[i] if i < len(names) else str(i)),
        )
        for i in np.flatnonzero(report.id_counts)
    ]
    legend = figure.legend(
        handles=handles, loc="outside lower center", ncols=8, fontsize=8
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
