"""What `check` found in images and masks, to print and to draw."""

import dataclasses
import os
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_rsseg.errors import MissingPackageError
from keras_rsseg.sample_checks import TileValues
from keras_rsseg.tables import counted
from keras_rsseg.void import VOID

_MOST_LINES = 20


@dataclasses.dataclass(frozen=True)
class ImageFacts:
    """What is known about an image.

    Attributes:
        name: path, or `"images[3]"` for an array.
        size: `(height, width)`.
        dtype: such as `"uint8"`.
        ground_size: metres per pixel, `None` if unknown.
        values: `TileValues` of each band.
    """

    name: str
    size: tuple[int, int]
    dtype: str
    ground_size: float | None
    values: list[TileValues]


@dataclasses.dataclass
class CheckReport:
    """What `keras_rsseg.data.check` found. Prints as a summary.

    Attributes:
        images: list of `ImageFacts` of the images that could be read.
        num_masks: number of masks.
        num_classes: int, or `None` if unknown.
        class_names: list of names, or `None`.
        id_counts: int64 `(256,)`, pixels of each id in all masks.
        images_with: int64 `(256,)`, images that hold each id.
        problems: what is wrong, and would be rejected or trained wrongly.
        doubts: what may be wrong.

    Example:

    ```python
    images = np.zeros((2, 64, 64, 3), "uint8")
    masks = np.zeros((2, 64, 64), "uint8")
    masks[:, 32:] = 1
    report = keras_rsseg.data.check(images, masks, num_classes=2)
    report.ok  # True
    print(report)
    ```
    """

    images: list[ImageFacts] = dataclasses.field(default_factory=list)
    num_masks: int = 0
    num_classes: int | None = None
    class_names: list[str] | None = None
    id_counts: np.ndarray = dataclasses.field(
        default_factory=lambda: np.zeros(VOID + 1, "int64")
    )
    images_with: np.ndarray = dataclasses.field(
        default_factory=lambda: np.zeros(VOID + 1, "int64")
    )
    problems: list[str] = dataclasses.field(default_factory=list)
    doubts: list[str] = dataclasses.field(default_factory=list)
    # Images and their masks, readers of both, and colours of the classes.
    samples: Any = dataclasses.field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; doubts may remain."""
        return not self.problems

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def save_picture(
        self, path: str | os.PathLike, tiles: int = 8, tile_size: int = 256
    ) -> pathlib.Path:
        """Write a picture of some tiles beside their masks.

        Args:
            path: path of a PNG file; replaced if it exists.
            tiles: number of tiles, spread over the images.
            tile_size: length of a tile, pixels.

        Returns:
            The path.

        Raises:
            MissingPackageError: if matplotlib (the extra `plot`) is missing.
        """
        try:
            from keras_rsseg.data.check_picture import draw_tiles
        except ImportError as error:
            raise MissingPackageError(
                "A picture needs matplotlib: pip install keras-rsseg[plot]"
            ) from error
        path = pathlib.Path(path)
        draw_tiles(self, tiles, tile_size).savefig(path)
        return path

    def _lines(self) -> Iterator[str]:
        images = counted(len(self.images), "image")
        yield f"{images}, {counted(self.num_masks, 'mask')}"
        if self.images:
            yield from self._image_lines()
        if self.id_counts.any():
            yield from self._class_lines()
        for title, texts in (
            ("Wrong:", self.problems),
            ("May be wrong:", self.doubts),
        ):
            if texts:
                yield ""
                yield title
                yield from (f"  - {text}" for text in texts[:_MOST_LINES])
                if len(texts) > _MOST_LINES:
                    yield f"  - and {len(texts) - _MOST_LINES} more"
        if not self.problems and not self.doubts:
            yield ""
            yield "No problems found."

    def _image_lines(self) -> Iterator[str]:
        heights, widths = zip(*(one.size for one in self.images), strict=True)
        yield f"  size        {_span(heights)} x {_span(widths)} pixels"
        dtypes = ", ".join(sorted({one.dtype for one in self.images}))
        counts = sorted({len(one.values) for one in self.images})
        yield f"  bands       {', '.join(map(str, counts))} of {dtypes}"
        sizes = [one.ground_size for one in self.images if one.ground_size]
        yield f"  pixel size  {_span(sizes, ' m') if sizes else 'not stated'}"
        for band in range(counts[-1]):
            values = sum(
                (
                    one.values[band]
                    for one in self.images
                    if band < len(one.values)
                ),
                TileValues(),
            )
            yield (
                f"  band {band + 1:<7}{values.low:.6g} to {values.high:.6g}"
                + (", NaN" if values.not_finite else "")
            )

    def _class_lines(self) -> Iterator[str]:
        total = self.id_counts.sum()
        labelled = max(1, int(self.id_counts[:VOID].sum()))
        found = np.flatnonzero(self.id_counts[:VOID])
        names = self.class_names or []
        ids = sorted({*found.tolist(), *range(self.num_classes or 0)})
        yield "  class       share of the labelled pixels, images that hold it"
        for i in ids:
            name = names[i] if i < len(names) else ""
            share = self.id_counts[i] / labelled
            yield f"  {i:>3} {name:<24}{share:>8.2%}{self.images_with[i]:>7}"
        yield f"  void (255) {self.id_counts[VOID] / total:.2%} of all pixels"


def _span(values: Sequence[float], unit: str = "") -> str:
    low, high = min(values), max(values)
    if f"{low:.4g}" == f"{high:.4g}":
        return f"{low:.4g}{unit}"
    return f"{low:.4g} to {high:.4g}{unit}"
