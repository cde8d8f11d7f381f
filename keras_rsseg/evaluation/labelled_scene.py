"""A scene with its truth, and what must hold for it to be scored."""

import collections

from keras_rsseg.data.pairs import NO_DATA
from keras_rsseg.void import VOID


class LabelledScene:
    """A scene in memory, read by window as by a `SceneReader`.

    Valid is what has a class in the truth: nothing else can be scored.

    Args:
        name: str.
        image: array `(H, W, bands)`.
        truth: uint8 array `(H, W)`, class ids, 255 void.
    """

    def __init__(self, name, image, truth):
        self.name = name
        self.image = image
        self.truth = truth
        self.height, self.width = truth.shape

    @classmethod
    def read_pair(cls, pairs, index, name):
        """Return a scene of `ImageMaskPairs`; without data is void."""
        image, mask = pairs.read(index, None)
        mask[mask == NO_DATA] = VOID
        return cls(name, image, mask.astype("uint8"))

    def __str__(self):
        return self.name

    def read(self, row, col, height, width):
        """Return the pixels of a window and which of them are labelled."""
        window = slice(row, row + height), slice(col, col + width)
        return self.image[window], self.truth[window] != VOID


def check_names(names):
    """Refuse a data set that holds a scene twice."""
    if len(set(names)) < len(names):
        name, count = collections.Counter(names).most_common(1)[0]
        raise ValueError(
            f"`dataset` holds the scene {name} {count} times, so that it "
            "would be counted as often"
        )


def check_bands(pairs, model):
    """Refuse images with another number of bands than the model takes."""
    wanted = getattr(model, "bands", None)
    count = wanted if isinstance(wanted, int | None) else len(wanted)
    if count in (None, pairs.bands):
        return
    names = "" if isinstance(wanted, int) else f" ({', '.join(wanted)})"
    raise ValueError(
        f"The model takes {count} bands{names}, the images have {pairs.bands}. "
        "Say which to read with `bands=`, by number from 1"
    )


def check_labelled(unlabelled):
    """Refuse scenes, given by name, in which there is nothing to score."""
    if unlabelled:
        raise ValueError(
            "Scenes without a labelled pixel cannot be scored. Leave them out, "
            "or give the `palette` of their masks. Received: "
            + ", ".join(unlabelled)
        )
