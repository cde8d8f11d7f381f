"""Colours of a mask to class ids and back."""

import collections
import warnings
from collections.abc import Iterable
from collections.abc import Sequence

import numpy as np

from keras_rsseg.checks import Color
from keras_rsseg.checks import as_color
from keras_rsseg.checks import is_integer
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.void import VOID

_UNLISTED = 254
# This many unlisted colours come from a lossy file or smoothed outlines.
_MANY_COLORS = 8
_STRIP_PIXELS = 1 << 18


class UnlistedColorWarning(UserWarning):
    """A mask holds colours that its palette does not list."""


class Palette:
    """The colours of a colour-coded mask, in the order of the class ids.

    Args:
        colors: list of `(r, g, b)`, 0 to 255; its index is the class id. At
            most 254 colours.
        names: list of class names, as many as `colors`, or `None`.
        void_colors: list of `(r, g, b)` that mean void (id 255), such as
            the colour of unlabelled pixels.
        tolerance: int. An unlisted colour is taken for the nearest listed
            one if no channel differs by more, which lossy files (JPEG) and
            smoothed outlines need.

    Raises:
        ArgumentError: if a colour is not three ints from 0 to 255 or is
            listed twice, the number of names is wrong, or the tolerance is
            negative.

    Example:

    ```python
    palette = keras_rsseg.data.Palette(
        [(60, 16, 152), (132, 41, 246)],
        names=["building", "land"],
        void_colors=[(155, 155, 155)],
    )
    rgb = np.full((4, 4, 3), (132, 41, 246), "uint8")
    palette.to_ids(rgb)[0]  # array([1, 1, 1, 1], dtype=uint8)
    ```
    """

    def __init__(
        self,
        colors: Iterable[Sequence[int]],
        names: Iterable[str] | None = None,
        void_colors: Iterable[Sequence[int]] = (),
        tolerance: int = 0,
    ):
        self.colors = [as_color("colors", color) for color in colors]
        self.void_colors = [
            as_color("void_colors", color) for color in void_colors
        ]
        self.names = None if names is None else [str(name) for name in names]
        if not 1 <= len(self.colors) <= _UNLISTED:
            raise ArgumentError(
                f"`colors` must list 1 to {_UNLISTED} colours. Received: "
                f"{len(self.colors)}"
            )
        listed = collections.Counter(self.colors + self.void_colors)
        twice = [color for color, count in listed.items() if count > 1]
        if twice:
            raise ArgumentError(
                "`colors` and `void_colors` must not list a colour twice. "
                f"Received twice: {twice}"
            )
        if self.names is not None and len(self.names) != len(self.colors):
            raise ArgumentError(
                "`names` must have one name per colour. Received: "
                f"{len(self.names)} names, {len(self.colors)} colours"
            )
        if not is_integer(tolerance) or not 0 <= tolerance <= 255:
            raise ArgumentError(
                "`tolerance` must be a whole number from 0 to 255. Received: "
                f"{tolerance!r}"
            )
        self.tolerance = int(tolerance)
        self._table: np.ndarray | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes, void not counted."""
        return len(self.colors)

    def __repr__(self) -> str:
        return (
            f"Palette({self.colors}, names={self.names}, "
            f"void_colors={self.void_colors}, tolerance={self.tolerance})"
        )

    def to_ids(
        self,
        rgb: np.ndarray,
        unlisted: "UnlistedColors | None" = None,
        source: str = "the mask",
    ) -> np.ndarray:
        """Return the class ids of a colour mask.

        A colour that the palette does not list becomes void, never a class,
        and is reported: in `unlisted` if given, else by one
        `UnlistedColorWarning`.

        Args:
            rgb: uint8 array `(H, W, 3)`.
            unlisted: an `UnlistedColors` that collects the report of many
                masks, or `None`.
            source: the mask's name in the report.

        Returns:
            A uint8 array `(H, W)`: ids, void = 255.

        Raises:
            MaskError: if `rgb` has another shape or dtype.
        """
        rgb = np.asarray(rgb)
        if rgb.ndim != 3 or rgb.shape[-1] != 3 or rgb.dtype != np.uint8:
            raise MaskError(
                "`rgb` must be a uint8 array (H, W, 3). Received: "
                f"{rgb.dtype} {rgb.shape}"
            )
        report = UnlistedColors() if unlisted is None else unlisted
        table = self._lookup_table()
        ids = np.empty(rgb.shape[:2], "uint8")
        rows = max(1, _STRIP_PIXELS // max(1, rgb.shape[1]))
        # Strips keep the packed colours in cache and out of memory.
        for start in range(0, len(rgb), rows):
            strip = slice(start, start + rows)
            packed = _pack(rgb[strip])
            np.take(table, packed, out=ids[strip])
            missing = ids[strip] == _UNLISTED
            if self.tolerance and missing.any():
                ids[strip][missing] = self._nearest(packed[missing])
                missing = ids[strip] == _UNLISTED
            if missing.any():
                report.add(source, packed[missing])
                ids[strip][missing] = VOID
        if unlisted is None:
            report.warn()
        return ids

    def to_rgb(self, ids: np.ndarray) -> np.ndarray:
        """Return class ids as colours.

        Args:
            ids: integer array of any shape; void (255) takes the first of
                `void_colors`, or black if there is none.

        Returns:
            A uint8 array of the shape of `ids` with 3 appended.

        Raises:
            MaskError: if an id is neither a class nor void.
        """
        ids = np.asarray(ids)
        wrong = np.setdiff1d(ids, np.r_[np.arange(self.num_classes), VOID])
        if wrong.size:
            raise MaskError(
                f"`ids` must lie in 0..{self.num_classes - 1} or be {VOID} "
                f"(void). Received: {wrong[:10].tolist()}"
            )
        table = np.zeros((VOID + 1, 3), "uint8")
        table[: self.num_classes] = self.colors
        if self.void_colors:
            table[VOID] = self.void_colors[0]
        return table[ids]

    def _nearest(self, packed: np.ndarray) -> np.ndarray:
        """Ids of packed colours that are not listed."""
        found, places = np.unique(packed, return_inverse=True)
        listed = np.array(self.colors + self.void_colors)
        ids = np.full(len(listed), VOID, "uint8")
        ids[: self.num_classes] = np.arange(self.num_classes)
        colors = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=-1)
        best = np.full(len(found), self.tolerance + 1)
        result = np.full(len(found), _UNLISTED, "uint8")
        # One listed colour at a time: lossy masks hold thousands.
        for color, class_id in zip(listed, ids, strict=True):
            distance = np.abs(colors - color).max(axis=-1)
            nearer = distance < best
            best[nearer], result[nearer] = distance[nearer], class_id
        return result[places.reshape(-1)]

    def _lookup_table(self) -> np.ndarray:
        if self._table is None:
            table = np.full(1 << 24, _UNLISTED, "uint8")
            for color in self.void_colors:
                table[_pack(np.array(color))] = VOID
            for index, color in enumerate(self.colors):
                table[_pack(np.array(color))] = index
            self._table = table
        return self._table


class UnlistedColors:
    """Collects colours that a palette lacks, over many masks.

    One pass over a data set then gives one warning, not one per tile.
    """

    def __init__(self) -> None:
        self._counts: collections.Counter[Color] = collections.Counter()
        self._sources: dict[str, None] = {}

    def add(self, source: object, packed: np.ndarray) -> None:
        """Count colours, packed as `r << 16 | g << 8 | b`, of one mask."""
        colors, counts = np.unique(packed, return_counts=True)
        for color, count in zip(colors.tolist(), counts.tolist(), strict=True):
            rgb = (color >> 16, color >> 8 & 255, color & 255)
            self._counts[rgb] += count
        self._sources[str(source)] = None

    @property
    def counts(self) -> dict[Color, int]:
        """Dict `(r, g, b) -> pixels`, the most frequent colour first."""
        return dict(self._counts.most_common())

    @property
    def sources(self) -> list[str]:
        """Names of the masks that hold unlisted colours."""
        return list(self._sources)

    def warn(self, stacklevel: int = 3) -> None:
        """Issue one `UnlistedColorWarning` if anything was collected."""
        message = self.message()
        if message is not None:
            warnings.warn(message, UnlistedColorWarning, stacklevel=stacklevel)

    def message(self) -> str | None:
        """Return a message on what was collected, `None` for nothing."""
        if not self._counts:
            return None
        shown = ", ".join(
            f"{color}: {count}"
            for color, count in list(self.counts.items())[:8]
        )
        hint = (
            ". `Palette(..., tolerance=30)` takes colours for the nearest one"
            if len(self._counts) > _MANY_COLORS
            else ""
        )
        more = len(self._counts) - 8
        names = ", ".join(self.sources[:5])
        others = len(self.sources) - 5
        return (
            f"{len(self._counts)} colours that the palette does not list "
            f"became void ({sum(self._counts.values())} pixels). Colour: "
            f"pixels = {shown}{f' and {more} more' if more > 0 else ''}. In: "
            f"{names}{f' and {others} more' if others > 0 else ''}{hint}"
        )


def as_palette(
    palette: Palette | Iterable[Sequence[int]] | None,
) -> Palette | None:
    """Return a `Palette`, a list of colours or `None` as Palette or None."""
    if palette is None or isinstance(palette, Palette):
        return palette
    return Palette(palette)


def _pack(rgb: np.ndarray) -> np.ndarray:
    rgb = rgb.astype("int32")
    return rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]
