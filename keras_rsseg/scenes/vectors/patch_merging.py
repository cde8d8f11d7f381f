"""Merge small patches of a map into their neighbours."""

import heapq

import numpy as np

from keras_rsseg.void import VOID


def merge_small(classes, areas, pairs, minimum):
    """Merge patches smaller than a minimum into their largest neighbour.

    The smallest goes first. What it joins by then, and neighbours of the
    same class that it connected, are one patch from there on. Void takes no
    part: it neither grows nor shrinks, and a patch that it surrounds stays,
    however small.

    Args:
        classes: uint8 array `(n,)`, the class of each patch.
        areas: array `(n,)`, their areas.
        pairs: int array `(pairs, 2)`, which patches share a border.
        minimum: patches of less than this are merged.

    Returns:
        An int64 array `(n,)`: the patch that each has become a part of,
        which is one of the merged ones and has their class.

    Example:

    >>> merge_small([1, 2, 1], [9, 1, 4], [[0, 1], [1, 2]], 2).tolist()
    [0, 0, 0]
    """
    merger = _Merger(classes, areas, pairs, minimum)
    merger.run()
    return np.array([merger.find(i) for i in range(len(merger.areas))])


class _Merger:
    def __init__(self, classes, areas, pairs, minimum):
        self.classes = np.asarray(classes).tolist()
        self.areas = np.asarray(areas).tolist()
        self.minimum = minimum
        self.parents = list(range(len(self.areas)))
        # Patches that are large enough never ask for their neighbours.
        self.near = {
            patch: []
            for patch, area in enumerate(self.areas)
            if area < minimum and self.classes[patch] != VOID
        }
        for first, second in np.asarray(pairs).tolist():
            if VOID not in (self.classes[first], self.classes[second]):
                for patch, other in ((first, second), (second, first)):
                    if patch in self.near:
                        self.near[patch].append(other)

    def find(self, patch):
        """The patch that a patch is part of by now."""
        parents = self.parents
        while parents[patch] != patch:
            parents[patch] = parents[parents[patch]]
            patch = parents[patch]
        return patch

    def run(self):
        queue = [(self.areas[patch], patch) for patch in self.near]
        heapq.heapify(queue)
        while queue:
            area, patch = heapq.heappop(queue)
            # It was merged, or has grown, since it was queued.
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

    def _join(self, patch, target):
        self.parents[patch] = target
        self.areas[target] += self.areas[patch]
        near = self.near.pop(patch, None)
        if self.areas[target] < self.minimum:
            self.near[target] += near
        else:
            self.near.pop(target, None)
