"""What is known about a data set besides its pixels."""

import dataclasses
from typing import Any

from keras_rsseg.checks import Color
from keras_rsseg.data.palette import Palette
from keras_rsseg.errors import ArgumentError
from keras_rsseg.void import VOID


@dataclasses.dataclass(frozen=True)
class DatasetFacts:
    """Classes, colours, bands and source of a data set.

    Attributes:
        name: the name in `tfds.load(name)`.
        title: the name to use in text.
        class_names: names of the classes, in the order of their ids.
        palette: `(r, g, b)` of every class, or `None` if its owners publish
            none that tells all classes apart.
        bands: names of the image's bands, in their order.
        ground_sample_distance: metres per pixel, or `None` if it varies.
        licence: as stated by the owners.
        homepage: where the data come from.
        citation: BibTeX.
        void_colors: `(r, g, b)` that mean void in a colour-coded mask.
        display_palette: `(r, g, b)` of every class on maps, or `None` for
            those of `palette`.

    Example:

    ```python
    facts = keras_rsseg.datasets.facts("dubai")
    facts.num_classes, facts.to_palette().names[0]  # (5, "building")
    ```
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    palette: tuple[Color, ...] | None
    bands: tuple[str, ...]
    ground_sample_distance: float | None
    licence: str
    homepage: str
    citation: str
    void_colors: tuple[Color, ...] = ()
    display_palette: tuple[Color, ...] | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes, void not counted."""
        return len(self.class_names)

    def to_palette(self) -> Palette:
        """Return the colours as a `keras_rsseg.data.Palette`.

        Raises:
            ArgumentError: if the data set has no palette.
        """
        if self.palette is None:
            raise ArgumentError(f"{self.name} has no palette")
        return Palette(self.palette, self.class_names, self.void_colors)

    def as_metadata(self) -> dict[str, Any]:
        """Return everything, with void's id, as a dict that JSON can hold."""
        display = self.display_palette
        palette = self.palette
        return {
            **dataclasses.asdict(self),
            "class_names": list(self.class_names),
            "palette": palette and [list(color) for color in palette],
            "display_palette": display and [list(color) for color in display],
            "bands": list(self.bands),
            "void_colors": [list(color) for color in self.void_colors],
            "void": VOID,
        }
