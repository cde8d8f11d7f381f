"""The settings of an export, checked before anything is written."""

import dataclasses
import os
import pathlib
from typing import Any
from typing import Literal
from typing import TypeAlias
from typing import get_args

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_positive
from keras_rsseg.errors import ArgumentError
from keras_rsseg.scenes.exported.exported_facts import Output
from keras_rsseg.scenes.exported.exported_facts import Weights
from keras_rsseg.scenes.exported.runtimes import format_of
from keras_rsseg.typing import DataFormat

Program: TypeAlias = Literal["qgis"]

# LiteRT plans its memory for known shapes.
_FIXED_ONLY = (".tflite",)
# TensorFlow's graph computes in the dtype of its constants.
_FLOAT32_ONLY = ("",)
# Deepness and similar programs divide bytes by this, whatever the model.
_BYTES = 255.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportSettings:
    """The arguments of `keras_rsseg.export_model`, except the model.

    Attributes:
        path: path of the file or folder to write.
        tile_size: length of a tile in pixels.
        dynamic: whether tiles can be of any height and width.
        batch_size: tiles per call, `None` for any number.
        output: `"logits"` or `"probabilities"`.
        data_format: layout of input and output.
        weights: dtype of the weights in the file.
        target: a program that needs a special file, or `None`.

    Raises:
        ArgumentError: one is out of range, or two contradict each other.
    """

    path: pathlib.Path
    tile_size: int = 512
    dynamic: bool = False
    batch_size: int | None = 1
    output: Output = "logits"
    data_format: DataFormat = "channels_last"
    weights: Weights = "float32"
    target: Program | None = None

    @classmethod
    def of(cls, path: str | os.PathLike, **settings: Any) -> "ExportSettings":
        """Return settings, completed with what the target program needs.

        Args:
            path: path of the file.
            **settings: the other attributes.
        """
        program = settings.get("target")
        check_choice("target", program, (None, *get_args(Program)))
        if program == "qgis":
            _check_for_qgis(path, settings)
            settings = {
                **settings,
                "output": "probabilities",
                "data_format": "channels_first",
            }
        return cls(path=pathlib.Path(path), **settings)

    def __post_init__(self) -> None:
        check_positive("tile_size", self.tile_size)
        if self.batch_size is not None:
            check_positive("batch_size", self.batch_size)
        check_choice("output", self.output, get_args(Output))
        check_choice("data_format", self.data_format, get_args(DataFormat))
        check_choice("weights", self.weights, get_args(Weights))
        if self.format in _FLOAT32_ONLY and self.weights != "float32":
            raise ArgumentError(
                "A SavedModel's weights are float32. Received: "
                f"weights={self.weights!r}. ONNX, LiteRT and OpenVINO have "
                "shorter ones"
            )
        if self.format in _FIXED_ONLY and self.is_open:
            raise ArgumentError(
                "A .tflite file takes tiles of one size and batches of one "
                f"size. Received: dynamic={self.dynamic}, "
                f"batch_size={self.batch_size}. ONNX, OpenVINO and SavedModels "
                "take any"
            )

    @property
    def format(self) -> str:
        """Suffix of the file, `""` for a SavedModel's folder."""
        return format_of(self.path)

    @property
    def is_open(self) -> bool:
        """Whether any axis of the input is left open."""
        return self.dynamic or self.batch_size is None

    @property
    def image_size(self) -> tuple[int, int] | None:
        """`(height, width)` of the input, `None` for any."""
        return None if self.dynamic else (self.tile_size, self.tile_size)

    @property
    def input_scale(self) -> float:
        """The divisor of a tile's values before the file gets them."""
        return _BYTES if self.target == "qgis" else 1.0

    @property
    def overlap(self) -> int:
        """Overlap of tiles in pixels, as in `predict_scene`."""
        return self.tile_size // 4


def _check_for_qgis(path: str | os.PathLike, settings: dict[str, Any]) -> None:
    if format_of(path) != ".onnx":
        raise ArgumentError(
            "`target='qgis'` needs an .onnx file, which the plugin Deepness "
            f"runs. Received: path={os.fspath(path)!r}"
        )
    if settings.get("dynamic") or settings.get("batch_size", 1) != 1:
        raise ArgumentError(
            "`target='qgis'` takes one tile of a fixed size at a time. "
            f"Received: dynamic={settings.get('dynamic', False)}, "
            f"batch_size={settings.get('batch_size', 1)}"
        )
