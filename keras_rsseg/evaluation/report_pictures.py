"""A report's pictures. Imports matplotlib."""

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from keras_rsseg.scenes.maps.class_map import hex_color
from keras_rsseg.tables import counted
from keras_rsseg.void import VOID

if TYPE_CHECKING:
    from keras_rsseg.evaluation.evaluation_report import EvaluationReport

_VOID_COLORS = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (255, 0, 255)]
_LEGEND_COLUMNS = 4
# Tiles are drawn at this many pixels: more would not show.
_DRAWN_PIXELS = 512


def draw_confusion(report: "EvaluationReport") -> Figure:
    """Draw the confusion matrices of tiles and of scenes side by side.

    Cells are percentages of the pixels of the true class; empty ones are 0.

    Args:
        report: `EvaluationReport`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    names = ("patch", "scene")
    classes = len(report.class_names)
    side = 0.55 * classes + 2.5
    figure = Figure(
        figsize=(len(names) * side, side), dpi=100, layout="constrained"
    )
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for panel, name in zip(panels, names, strict=True):
        _draw_matrix(panel, report.matrices[name], report.class_names)
        panel.set_title(f"{name}\n{_wrapped(report.meaning(name))}", fontsize=9)
    panels[0].set_ylabel("truth")
    figure.suptitle(
        f"{report.model}: percentage of the pixels of the true class",
        parse_math=False,
    )
    return figure


def draw_worst_tiles(report: "EvaluationReport") -> Figure:
    """Draw the worst tiles: image, truth and prediction in a row.

    Args:
        report: `EvaluationReport` with worst tiles.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    tiles = report.worst_tiles
    legend_rows = math.ceil((len(report.class_names) + 1) / _LEGEND_COLUMNS)
    figure = Figure(
        figsize=(9, 3.3 * len(tiles) + 0.25 * legend_rows + 0.4),
        dpi=100,
        layout="constrained",
    )
    void = _void_color(report.palette)
    colors = np.zeros((VOID + 1, 3), "uint8")
    colors[: len(report.palette)] = report.palette
    colors[VOID] = void
    rows = figure.subplots(len(tiles), 3, squeeze=False)
    for panels, tile in zip(rows, tiles, strict=True):
        _draw_tile(panels, tile, colors)
    entries = [*zip(report.class_names, report.palette, strict=True)]
    legend = figure.legend(
        handles=[
            Patch(facecolor=hex_color(color), edgecolor="black", label=name)
            for name, color in [*entries, ("void", void)]
        ],
        loc="outside lower center",
        ncols=_LEGEND_COLUMNS,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return figure


def _draw_matrix(panel, matrix, names):
    totals = matrix.sum(axis=1, keepdims=True)
    shares = 100 * matrix / np.maximum(totals, 1)
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    for (row, col), share in np.ndenumerate(shares):
        if share:
            panel.text(
                *(col, row, _cell(share)),
                ha="center",
                va="center",
                fontsize=8,
                color="white" if share > 55 else "black",
                # Hundreds of them; the layout takes seconds otherwise.
                in_layout=False,
            )
    ticks = range(len(names))
    plain = {"fontsize": 8, "parse_math": False}
    panel.set_xticks(ticks, names, rotation=45, ha="right", **plain)
    panel.set_yticks(ticks, names, **plain)
    panel.set_xlabel("prediction")


def _cell(share):
    if share >= 10:
        return f"{share:.0f}"
    return f"{share:.1f}" if share >= 0.05 else "<.1"


def _draw_tile(panels, tile, colors):
    height, width = tile.truth.shape
    step = max(1, math.ceil(max(height, width) / _DRAWN_PIXELS))
    pictures = {
        f"{tile.scene}\nrow {tile.row}, column {tile.col}": _shown(tile.image),
        "truth": colors[tile.truth],
        f"prediction\n{counted(tile.wrong, 'pixel')} wrong, "
        f"{tile.pixel_accuracy:.1%} right": colors[tile.prediction],
    }
    for panel, (title, picture) in zip(panels, pictures.items(), strict=True):
        panel.imshow(
            picture[::step, ::step], cmap="gray", interpolation="nearest"
        )
        panel.set_title(title, fontsize=8, parse_math=False)
        panel.set_axis_off()


def _shown(image):
    image = image if image.shape[-1] == 3 else image[..., 0]
    if image.dtype == np.uint8:
        return image
    low, high = np.percentile(image, (2, 98))
    return np.clip((image - low) / max(high - low, 1e-12), 0, 1)


def _void_color(palette):
    """A colour that no class has."""
    taken = {tuple(color) for color in palette}
    free = (color for color in _VOID_COLORS if color not in taken)
    return next(free, _VOID_COLORS[0])


def _wrapped(text, length=48):
    return "\n".join(textwrap.wrap(text, length))
