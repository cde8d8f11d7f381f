"""What an evaluation found: figures, and what each of them measures."""

import dataclasses
import json
import math

from keras_rsseg.evaluation.report_folder import write_report
from keras_rsseg.evaluation.report_tables import to_markdown

MEANINGS = {
    "patch": "each tile alone, as the papers score: pixels in several tiles "
    "count as often",
    "patch_eroded": "the same, {eroded:g} px on both sides of class "
    "boundaries left out",
    "scene": "tiles blended into whole scenes, each pixel counted once",
    "scene_eroded": "the same, {eroded:g} px on both sides of class "
    "boundaries left out",
}
MEANS = ("mean_iou", "mean_f1", "mean_precision", "mean_recall")


@dataclasses.dataclass(frozen=True, eq=False)
class EvaluationReport:
    """What `keras_rsseg.evaluate` found.

    `str(report)` is the table that `to_markdown` makes.

    Attributes:
        model: name of the model or preset.
        protocol: name of the tiling protocol.
        tile_size: length of a tile, pixels.
        stride: distance between tiles, pixels.
        eroded: radius of the erosion of class boundaries, pixels, or `None`.
        num_scenes: number of scenes.
        num_tiles: number of tiles, those of nothing but void included.
        num_pixels: number of pixels of the scenes.
        num_void_pixels: how many of them are void.
        matrices: dict of confusion matrices, int64 `(classes, classes)`,
            rows truth, columns prediction: `"patch"`, `"scene"` and, where
            boundaries were eroded, `"patch_eroded"`, `"scene_eroded"`.
        class_names: list of strings.
        palette: list of `(r, g, b)`.
        left_out: tuple of class ids that means leave out.
        boundary_f1: dict of the mean boundary F1 by tolerance in pixels, of
            tiles alone, or `None` where it was not asked for.
        worst_tiles: list of `WorstTile`s, the worst first.
    """

    model: str
    protocol: str
    tile_size: int
    stride: int
    eroded: float | None
    num_scenes: int
    num_tiles: int
    num_pixels: int
    num_void_pixels: int
    matrices: dict
    class_names: list
    palette: list
    left_out: tuple = ()
    boundary_f1: dict | None = None
    worst_tiles: list = dataclasses.field(default_factory=list, repr=False)

    @property
    def void_share(self):
        """Share of the scenes' pixels that are void."""
        return self.num_void_pixels / self.num_pixels

    @property
    def scores(self):
        """Dict of `keras_rsseg.metrics.ConfusionScores`, by matrix."""
        # Loads Keras, for which who only reads a report need not wait.
        from keras_rsseg.metrics.confusion_scores import ConfusionScores

        return {
            name: ConfusionScores(matrix, self.left_out)
            for name, matrix in self.matrices.items()
        }

    def meaning(self, name):
        """Return what the figures of a matrix measure, one line."""
        return MEANINGS[name].format(eroded=self.eroded or 0)

    def __str__(self):
        return self.to_markdown()

    def to_markdown(self):
        """Return the report as tables in Markdown, scores in percent."""
        return to_markdown(self)

    def to_json(self):
        """Return the report without pictures as JSON.

        Scores are fractions; `null` where they are not defined.
        """
        return json.dumps(_plain(self), indent=2, allow_nan=False) + "\n"

    def save(self, directory, overwrite=False):
        """Write the report and its pictures.

        `report.json`, `report.md`, `confusion_matrix.png` and
        `worst_tiles.png` (image, truth and prediction side by side); the
        last one only where there are wrong pixels.

        Args:
            directory: path of a folder, made where it is missing.
            overwrite: whether an older report there may be replaced.

        Returns:
            The folder's `pathlib.Path`.

        Raises:
            FileExistsError: if there is a report and `overwrite` is false.
            FileNotFoundError, NotADirectoryError, PermissionError: if the
                folder cannot be made or written.
            ImportError: without matplotlib.
        """
        return write_report(self, directory, overwrite)


def _plain(report):
    return {
        "model": report.model,
        "protocol": {
            "name": report.protocol,
            "tile_size": report.tile_size,
            "stride": report.stride,
        },
        "eroded": report.eroded,
        "scenes": report.num_scenes,
        "tiles": report.num_tiles,
        "pixels": report.num_pixels,
        "void_pixels": report.num_void_pixels,
        "void_share": report.void_share,
        "class_names": report.class_names,
        "left_out": [report.class_names[i] for i in report.left_out],
        "scores": {
            name: {"measures": report.meaning(name), **_plain_scores(report, s)}
            for name, s in report.scores.items()
        },
        "boundary_f1": report.boundary_f1
        and {f"{key:g}": _number(v) for key, v in report.boundary_f1.items()},
        "worst_tiles": [
            {
                "scene": tile.scene,
                "row": tile.row,
                "col": tile.col,
                "wrong_pixels": tile.wrong,
                "labelled_pixels": tile.labelled,
            }
            for tile in report.worst_tiles
        ],
    }


def _plain_scores(report, scores):
    names = ("iou", "f1", "precision", "recall")
    classes = {
        class_name: {name: _number(getattr(scores, name)[i]) for name in names}
        for i, class_name in enumerate(report.class_names)
    }
    return {
        **{name: _number(getattr(scores, name)) for name in MEANS},
        "pixel_accuracy": _number(scores.pixel_accuracy),
        "pixels": int(scores.matrix.sum()),
        "classes": classes,
        "confusion_matrix": scores.matrix.tolist(),
    }


def _number(value):
    return float(value) if math.isfinite(value) else None
