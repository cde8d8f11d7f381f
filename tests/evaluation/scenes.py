"""Scenes for the tests, and models whose scores are known."""

import numpy as np

from keras_rsseg.data.protocols import TilingProtocol
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.evaluation.evaluate import evaluate

VOID = 255
NAMES = ["road", "grass", "roof", "water"]
TINY = TilingProtocol("tiny", 32, 20)


def run(model, dataset, protocol=TINY, **options):
    """Evaluate with tiny tiles."""
    options = {"class_names": NAMES, "progress": False, **options}
    return evaluate(model, dataset, protocol, **options)


def scene(height=57, width=75, seed=0, name="a", block=8):
    """A record whose mask is blocks of classes, told by the first band."""
    rng = np.random.default_rng(seed)
    shape = -(-height // block), -(-width // block)
    classes = rng.integers(0, len(NAMES), shape).repeat(block, 0)
    classes = classes.repeat(block, 1)[:height, :width]
    image = rng.integers(0, 64, (height, width, 3))
    image[..., 0] += 64 * classes
    return {
        "image": image.astype("uint8"),
        "mask": classes.astype("uint8")[..., None],
        "name": name,
    }


def knows(tiles):
    """Logits of the right class, everywhere."""
    classes = np.asarray(tiles)[..., 0].astype(int) // 64
    return 8 * np.eye(len(NAMES), dtype="float32")[classes]


def mostly_knows(tiles):
    """Errors that depend on a pixel's surroundings, as in networks."""
    logits = knows(tiles)
    doubt = 0.5 + np.asarray(tiles)[..., 1:2] / 64
    neighbours = np.roll(logits, (5, 3), axis=(1, 2))
    return (logits + doubt * neighbours).astype("float32")


def always(index):
    """A model that always returns one class."""

    def constant(tiles):
        logits = np.zeros((*tiles.shape[:3], len(NAMES)), "float32")
        logits[..., index] = 5
        return logits

    return constant


def confusion(truth, predicted):
    """Counts from a plain computation, pixel by pixel."""
    counts = np.zeros((len(NAMES), len(NAMES)), "int64")
    for row, col in zip(truth.ravel(), predicted.ravel(), strict=True):
        if row != VOID:
            counts[row, col] += 1
    return counts


def times_seen(height, width, tile_size, stride):
    """The number of tiles that contain each pixel."""
    seen = np.zeros((height, width), int)
    for row, col, *_ in tile_windows(height, width, tile_size, stride):
        seen[row : row + tile_size, col : col + tile_size] += 1
    return seen
