"""Trace the patches of a map, and merge small ones."""

import heapq
from array import array
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

import numpy as np
import rasterio
from numpy.typing import ArrayLike
from rasterio import features

from keras_rsseg.rasters.opener import RasterReadError
from keras_rsseg.void import VOID


class Patches(NamedTuple):
    """The patches of a map, including void.

    Polygons are stored as flat arrays, in pixels of the map (column, row).
    They are edge-matched: where two meet, both have the same vertices.

    Fields:
        points: int32 array `(vertices, 2)`, rings closed.
        rings: int64 array, the first vertex of each ring, then the number of
            vertices.
        polygons: int64 array, the first ring of each patch, then the number
            of rings.
        classes: uint8 array, the class of each patch.
    """

    points: np.ndarray
    rings: np.ndarray
    polygons: np.ndarray
    classes: np.ndarray


def trace_patches(dataset: rasterio.DatasetReader) -> Patches:
    """Find the patches of a map; pixels connect by their sides.

    GDAL traces the map line by line, so only the patches are in memory as a
    whole, and there are no seams between strips.

    Args:
        dataset: an open class map, a rasterio dataset.

    Returns:
        `Patches`, from the top of the map down.

    Raises:
        RasterError: if the file is damaged.
    """
    points = array("i")
    rings, polygons, classes = array("q", [0]), array("q", [0]), array("B")
    inverse = ~dataset.transform
    for shape, value in _trace(dataset):
        for ring in shape["coordinates"]:
            points.frombytes(_pixels(ring, inverse).tobytes())
            rings.append(len(points) // 2)
        polygons.append(len(rings) - 1)
        classes.append(int(value))
    if not classes:
        # GDAL's tracing stops at unreadable data without an error.
        raise RasterReadError(f"{dataset.name} cannot be read completely")
    corners = np.frombuffer(points, "int32").reshape(-1, 2)
    return Patches(
        *_match_edges(corners, np.frombuffer(rings, "int64")),
        np.frombuffer(polygons, "int64"),
        np.frombuffer(classes, "uint8"),
    )


def neighbours(patches: Patches) -> np.ndarray:
    """Return the pairs of patches that share a border.

    Args:
        patches: `Patches`.

    Returns:
        An int64 array `(pairs, 2)` of patch numbers, each pair once.
    """
    points, edge = patches.points, _edges(patches.rings)
    start, stop = points[edge], points[edge + 1]
    vertical = start[:, 0] == stop[:, 0]
    # Edges match: a first corner and a direction identify one.
    span = int(points[:, 0].max()) + 1
    corner = np.minimum(start, stop).astype("int64")
    key = 2 * (corner[:, 1] * span + corner[:, 0]) + vertical
    del start, stop, corner, vertical
    first = patches.rings[patches.polygons]
    owner = np.searchsorted(first, edge, side="right") - 1
    order = np.argsort(key, kind="stable")
    key, owner = key[order], owner[order]
    same = np.flatnonzero(key[1:] == key[:-1])
    pairs = np.stack([owner[same], owner[same + 1]], axis=1)
    return np.unique(np.sort(pairs, axis=1), axis=0)


def joined_pairs(pairs: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the pairs of neighbours after patches were merged.

    Args:
        pairs: int array `(pairs, 2)`, which patches share a border.
        numbers: int array, the new number of each patch.
    """
    pairs = np.sort(numbers[pairs], axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)


def _trace(
    dataset: rasterio.DatasetReader,
) -> Iterator[tuple[dict[str, Any], float]]:
    """Patches in the map's coordinates, as GDAL applies its transform."""
    yield from features.shapes(
        rasterio.band(dataset, 1), connectivity=4, transform=dataset.transform
    )


def _pixels(
    ring: list[tuple[float, float]], inverse: rasterio.Affine
) -> np.ndarray:
    """A ring in the map's coordinates as int32 `(columns, rows)`."""
    x, y = np.array(ring).T
    col = inverse.a * x + inverse.b * y + inverse.c
    row = inverse.d * x + inverse.e * y + inverse.f
    return np.rint(np.stack([col, row], axis=1)).astype("int32")


def _edges(rings: np.ndarray) -> np.ndarray:
    """The first vertex of each edge; the second follows it."""
    last = np.zeros(rings[-1], bool)
    last[rings[1:] - 1] = True
    return np.flatnonzero(~last)


def _match_edges(
    points: np.ndarray, rings: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Add to each edge the corners of other patches that lie on it.

    GDAL gives a straight border no vertex where three patches meet.
    """
    edge = _edges(rings)
    found = [_corners_on(points, edge, axis) for axis in (0, 1)]
    where = np.concatenate([where for where, _ in found])
    corners = np.concatenate([corners for _, corners in found])
    order = np.argsort(where, kind="stable")
    where, corners = where[order], corners[order]
    moved = rings + np.searchsorted(where, rings, side="left")
    return np.insert(points, where + 1, corners, axis=0), moved


def _corners_on(
    points: np.ndarray, edge: np.ndarray, axis: int
) -> tuple[np.ndarray, np.ndarray]:
    """Corners strictly within the edges along an axis, in their direction.

    Returns the first vertex of the edge of each corner, and its position.
    """
    along, across = points[:, axis], points[:, 1 - axis].astype("int64")
    edge = edge[across[edge] == across[edge + 1]]
    # Corners on the same line follow one another.
    span = int(along.max()) + 1
    known = np.unique(across * span + along)
    line, start, stop = across[edge] * span, along[edge], along[edge + 1]
    del across
    first = np.searchsorted(known, line + np.minimum(start, stop), "right")
    end = np.searchsorted(known, line + np.maximum(start, stop), "left")
    crossed = end > first
    edge, backward = edge[crossed], (stop < start)[crossed]
    first, count = first[crossed], (end - first)[crossed]
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    backward, last = (
        np.repeat(values, count) for values in (backward, first + count - 1)
    )
    place = np.where(backward, last - step, np.repeat(first, count) + step)
    key = known[place]
    corners = np.empty((len(key), 2), "int32")
    corners[:, axis], corners[:, 1 - axis] = key % span, key // span
    return np.repeat(edge, count), corners


def merge_small(
    classes: ArrayLike, areas: ArrayLike, pairs: ArrayLike, minimum: float
) -> np.ndarray:
    """Merge patches smaller than a minimum into their largest neighbour.

    The smallest goes first. The patches that it joins or connects then count
    as one. Void takes no part: it neither grows nor shrinks, and a patch
    surrounded by void stays, however small.

    Args:
        classes: uint8 array `(n,)`, the class of each patch.
        areas: array `(n,)`, their areas.
        pairs: int array `(pairs, 2)`, which patches share a border.
        minimum: patches smaller than this are merged.

    Returns:
        An int64 array `(n,)`: the patch that each has become part of, which
        is one of the merged patches and has their class.

    Example:

    ```python
    from keras_rsseg.scenes.maps.patches import merge_small

    pairs = [[0, 1], [1, 2]]
    merge_small([1, 2, 1], [9, 1, 4], pairs, 2).tolist()  # [0, 0, 0]
    ```
    """
    merger = _Merger(classes, areas, pairs, minimum)
    merger.run()
    return np.array([merger.find(i) for i in range(len(merger.areas))])


class _Merger:
    def __init__(
        self,
        classes: ArrayLike,
        areas: ArrayLike,
        pairs: ArrayLike,
        minimum: float,
    ) -> None:
        self.classes = np.asarray(classes).tolist()
        self.areas = np.asarray(areas).tolist()
        self.minimum = minimum
        self.parents = list(range(len(self.areas)))
        # Patches that are large enough never need their neighbours.
        self.near: dict[int, list[int]] = {
            patch: []
            for patch, area in enumerate(self.areas)
            if area < minimum and self.classes[patch] != VOID
        }
        for first, second in np.asarray(pairs).tolist():
            if VOID not in (self.classes[first], self.classes[second]):
                for patch, other in ((first, second), (second, first)):
                    if patch in self.near:
                        self.near[patch].append(other)

    def find(self, patch: int) -> int:
        """The patch that a patch is now part of."""
        parents = self.parents
        while parents[patch] != patch:
            parents[patch] = parents[parents[patch]]
            patch = parents[patch]
        return patch

    def run(self) -> None:
        queue = [(self.areas[patch], patch) for patch in self.near]
        heapq.heapify(queue)
        while queue:
            area, patch = heapq.heappop(queue)
            # It was merged or has grown since it was queued.
            if self.find(patch) != patch or area != self.areas[patch]:
                continue
            near = {self.find(other) for other in self.near[patch]} - {patch}
            if not near:
                continue
            target = max(near, key=lambda other: (self.areas[other], -other))
            for other in (patch, *sorted(near - {target})):
                same = self.classes[other] == self.classes[target]
                if other == patch or same:
                    self._join(other, target)
            if self.areas[target] < self.minimum:
                heapq.heappush(queue, (self.areas[target], target))

    def _join(self, patch: int, target: int) -> None:
        self.parents[patch] = target
        self.areas[target] += self.areas[patch]
        near = self.near.pop(patch, [])
        if self.areas[target] < self.minimum:
            self.near[target] += near
        else:
            self.near.pop(target, None)
