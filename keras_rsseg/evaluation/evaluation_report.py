"""What an evaluation found: figures, and what each of them measures."""

import dataclasses
import importlib.util
import io
import json
import math
import os
import pathlib
from typing import TYPE_CHECKING

import numpy as np

from keras_rsseg.checks import Color
from keras_rsseg.errors import MissingPackageError
from keras_rsseg.evaluation.report_tables import to_markdown
from keras_rsseg.evaluation.scene_scorer import WorstTile
from keras_rsseg.files import write_durably

if TYPE_CHECKING:
    from keras_rsseg.metrics.confusion_scores import ConfusionScores

FILES = ("report.json", "report.md", "confusion_matrix.png", "worst_tiles.png")

MEANINGS = {
    "patch": "each tile alone, as the papers score: pixels in several tiles "
    "count several times",
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
        num_tiles: number of tiles, including those of nothing but void.
        num_pixels: number of pixels of the scenes.
        num_void_pixels: how many of them are void.
        matrices: dict of confusion matrices, int64 `(classes, classes)`,
            rows truth, columns prediction: `"patch"`, `"scene"` and, if
            boundaries were eroded, `"patch_eroded"`, `"scene_eroded"`.
        class_names: list of strings.
        palette: list of `(r, g, b)`.
        left_out: tuple of ids of the classes excluded from the means.
        boundary_f1: dict of the mean boundary F1 by tolerance in pixels, of
            tiles alone, or `None` if it was not asked for.
        worst_tiles: list of `WorstTile`s, the worst first.

    Example:

    ```python
    def water(tiles):  # or a task, such as from_preset() returns
        return np.broadcast_to([0.0, 1.0], (*tiles.shape[:3], 2))

    mask = np.zeros((64, 64), "uint8")
    mask[16:] = 1
    record = {"image": np.zeros((64, 64, 3), "uint8"), "mask": mask}
    report = keras_rsseg.evaluate(
        water, [record], class_names=["quay", "water"], progress=False
    )
    report.scores["scene"].pixel_accuracy  # 0.75
    report.save("report").name  # "report", a folder
    ```
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
    matrices: dict[str, np.ndarray]
    class_names: list[str]
    palette: list[Color]
    left_out: tuple[int, ...] = ()
    boundary_f1: dict[float, float] | None = None
    worst_tiles: list[WorstTile] = dataclasses.field(
        default_factory=list, repr=False
    )

    @property
    def void_share(self) -> float:
        """Share of the scenes' pixels that are void."""
        return self.num_void_pixels / self.num_pixels

    @property
    def scores(self) -> "dict[str, ConfusionScores]":
        """Dict of `keras_rsseg.metrics.ConfusionScores`, by matrix."""
        # Loads Keras: whoever only reads a report need not wait for it.
        from keras_rsseg.metrics.confusion_scores import ConfusionScores

        return {
            name: ConfusionScores(matrix, self.left_out)
            for name, matrix in self.matrices.items()
        }

    def meaning(self, name: str) -> str:
        """Return what the figures of a matrix measure, one line."""
        return MEANINGS[name].format(eroded=self.eroded or 0)

    def __str__(self) -> str:
        return self.to_markdown()

    def to_markdown(self) -> str:
        """Return the report as tables in Markdown, scores in percent."""
        return to_markdown(self)

    def to_json(self) -> str:
        """Return the report without pictures as JSON.

        Scores are fractions; `null` if they are not defined.
        """
        return json.dumps(_plain(self), indent=2, allow_nan=False) + "\n"

    def save(
        self, directory: str | os.PathLike[str], overwrite: bool = False
    ) -> pathlib.Path:
        """Write the report and its pictures.

        `report.json`, `report.md`, `confusion_matrix.png` and
        `worst_tiles.png` (image, truth and prediction side by side); the
        last one only if there are wrong pixels.

        Args:
            directory: path of a folder, created if missing.
            overwrite: whether an older report there may be replaced.

        Returns:
            The folder's `pathlib.Path`.

        Raises:
            FileExistsError: if there is a report and `overwrite` is false.
            FileNotFoundError, NotADirectoryError, PermissionError: if the
                folder cannot be made or written.
            MissingPackageError: if matplotlib is missing.
        """
        folder = check_output(directory, overwrite)
        # Only now, as it needs matplotlib.
        from keras_rsseg.evaluation import report_pictures

        folder.mkdir(exist_ok=True)
        # Figures first, so that a picture that fails cannot lose them.
        write_durably(folder / "report.json", self.to_json().encode())
        write_durably(folder / "report.md", self.to_markdown().encode())
        matrices = report_pictures.draw_confusion(self)
        _draw(folder / "confusion_matrix.png", matrices)
        worst = folder / "worst_tiles.png"
        if self.worst_tiles:
            _draw(worst, report_pictures.draw_worst_tiles(self))
        else:
            # An older report's picture would be taken for this one's.
            worst.unlink(missing_ok=True)
        return folder


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


def check_output(
    directory: str | os.PathLike[str], overwrite: bool = False
) -> pathlib.Path:
    """Raise what `EvaluationReport.save` would raise about its folder.

    Args:
        directory: path of the folder.
        overwrite: whether an older report there may be replaced.

    Returns:
        The folder's `pathlib.Path`.

    Raises:
        FileExistsError: if there is a report and `overwrite` is false.
        FileNotFoundError: if the folder's own folder does not exist.
        MissingPackageError: if matplotlib is missing.
        NotADirectoryError: if `directory` is a file.
        PermissionError: if the folder cannot be written or made.

    Example:

    ```python
    keras_rsseg.evaluation.check_output("report").name  # "report"
    ```
    """
    folder = pathlib.Path(directory)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"`output` is a file, not a folder: {folder}")
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"`output`: there is no folder {folder.parent}")
    place = folder if folder.is_dir() else folder.parent
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(f"`output`: the folder {place} cannot be written")
    old = [name for name in FILES if (folder / name).exists()]
    if old and not overwrite:
        raise FileExistsError(
            f"`output` holds a report ({', '.join(old)}): {folder}. Give "
            "`overwrite` (on the command line --overwrite) to replace it"
        )
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingPackageError(
            "The pictures of a report need matplotlib: pip install matplotlib"
        )
    return folder


def _draw(path, figure):
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    write_durably(path, picture.getvalue())
