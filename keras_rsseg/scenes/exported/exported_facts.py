"""What an exported file states about its model, in one text."""

import dataclasses
import json
from typing import Any
from typing import Literal
from typing import Self
from typing import TypeAlias

from keras_rsseg.errors import PresetError
from keras_rsseg.typing import DataFormat

# The key under which every format stores the text.
KEY = "keras_rsseg"

Output: TypeAlias = Literal["logits", "probabilities"]
Weights: TypeAlias = Literal["float32", "float16", "int8"]

# Version of the text; increased when older files would be misread.
_LAYOUT = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportedFacts:
    """The facts needed to run an exported model on a scene.

    Attributes:
        system: class of the model, such as `"PFNet"`.
        preset: name of the preset, or `None`.
        version: version of keras_rsseg that wrote the file.
        num_classes: number of classes.
        class_names: their names, or `None`.
        palette: their colours in masks, or `None`.
        display_palette: their colours in maps, or `None`.
        bands: names of the bands, or their number.
        value_range: lowest and highest value of a tile, or `None`.
        ground_sample_distance: pixel size in metres, or `None`.
        data_format: layout of the file's input and output.
        output: `"logits"` or `"probabilities"`.
        input_scale: divisor of a tile's values before the file gets them: 1
            for raw tiles.
        weights: dtype of the weights in the file.
        batch_size: tiles per call, `None` for any number.
        image_size: `(height, width)` of the file's input, `None` for any.
        tile_size: length of the tiles to predict with, in pixels.
        overlap: overlap of these tiles, in pixels.
        difference: largest difference from the model's logits or
            probabilities, relative to the largest of them, as measured when
            the file was written.
    """

    system: str
    preset: str | None = None
    version: str
    num_classes: int
    class_names: list[str] | None = None
    palette: list[list[int]] | None = None
    display_palette: list[list[int]] | None = None
    bands: list[str] | int
    value_range: tuple[float, float] | None = None
    ground_sample_distance: float | None = None
    data_format: DataFormat = "channels_last"
    output: Output = "logits"
    input_scale: float = 1.0
    weights: Weights = "float32"
    batch_size: int | None = None
    image_size: tuple[int, int] | None = None
    tile_size: int = 512
    overlap: int = 128
    difference: float | None = None

    @property
    def num_bands(self) -> int:
        """Number of bands of a tile."""
        return self.bands if isinstance(self.bands, int) else len(self.bands)

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Shape of the file's input, `None` for an axis of any size."""
        return self._shape(self.num_bands)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Shape of the file's output, likewise."""
        return self._shape(self.num_classes)

    def _shape(self, channels: int) -> tuple[int | None, ...]:
        height, width = self.image_size or (None, None)
        if self.data_format == "channels_first":
            return self.batch_size, channels, height, width
        return self.batch_size, height, width, channels

    def to_json(self) -> str:
        """Return the text that a file stores."""
        return json.dumps({"layout": _LAYOUT, **dataclasses.asdict(self)})

    @classmethod
    def from_json(cls, text: str | None, source: str) -> Self:
        """Return the facts in a text.

        Args:
            text: what `to_json` returned, or `None` for a file without.
            source: name of the file in errors.

        Raises:
            PresetError: it is any other text, or of a later version.
        """
        if text is None:
            raise PresetError(
                f"{source} does not state what its model takes. Only files "
                "that `keras_rsseg.export_model` wrote do"
            )
        try:
            values = dict(json.loads(text))
            layout = values.pop("layout")
            if layout == _LAYOUT:
                return cls(**{k: _tupled(k, v) for k, v in values.items()})
        except (ValueError, TypeError, KeyError) as error:
            raise PresetError(
                f"{source}: what it states about its model cannot be read. "
                f"{type(error).__name__}: {error}"
            ) from error
        raise PresetError(
            f"{source} was written by keras_rsseg {values.get('version')} in "
            f"layout {layout}. This version reads layout {_LAYOUT}"
        )


def _tupled(name: str, value: Any) -> Any:
    """Restore tuples from JSON's lists."""
    pair = name in ("value_range", "image_size") and value is not None
    return tuple(value) if pair else value
