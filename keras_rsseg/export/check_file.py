"""Compare an exported file with the model that it was made from."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import ExportError
from keras_rsseg.export.inference_graph import normalisation_of
from keras_rsseg.export.settings import ExportSettings
from keras_rsseg.ops.portable import portable_graph
from keras_rsseg.scenes.exported.exported_facts import ExportedFacts
from keras_rsseg.scenes.exported.exported_model import ExportedModel
from keras_rsseg.tables import counted

# Largest difference, relative to the largest logit, that is accepted.
TOLERANCE = 1e-4
# Smallest share of pixels of the same class, with weights of lower precision.
LEAST_AGREEMENT = 0.95

# A size with no useful divisors, for files that take any size.
_ODD_SIZE = (97, 71)
_WHITE_TO_SMOOTH = 6
# Tiles of each kind, as a single one may be undecided if a model picks points.
_LEAST_TILES = 4
# A relative change of values that should hardly change the output, and how
# many such changes to try besides brighter and darker.
_SLIGHT = 2e-6
_DRAWS = 4


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far a file's outputs are from the model's.

    A network that selects points by comparison, such as PFNet, may select
    others where scores differ only by rounding, and its output then changes a
    little. Tiles on which the model itself does so when its input changes by
    two millionths are counted, but left out of `largest`. Others are compared
    with the model's output under a different rounding of its point scores:
    near 1, many pixels have the same score to the last bit, and which of them
    comes first depends on the program.

    Attributes:
        tiles: what was compared, such as `"random"`.
        largest: largest difference of logits or probabilities, relative to
            the largest magnitude of the model's; NaN if all are left out.
        agreement: share of pixels of the same class, in all tiles.
        mean_iou: mean IoU of the file's classes against the model's, over the
            classes that the model finds.
        count: number of tiles.
        undecided: number of tiles left out.
        rounded: number of tiles compared with the model under a different
            rounding of its scores.

    Example:

    ```python
    difference = keras_rsseg.export.Difference("random", 2e-6, 1.0, 1.0)
    difference.largest < 1e-4  # True
    ```
    """

    tiles: str
    largest: float
    agreement: float
    mean_iou: float
    count: int = 1
    undecided: int = 0
    rounded: int = 0


def check_tiles(
    settings: ExportSettings,
    facts: ExportedFacts,
    given: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Return the tiles to compare outputs on, by name.

    Args:
        settings: the settings of the export.
        facts: what the file states about its model.
        given: the caller's tiles, `(B, H, W, bands)`, or `None`.

    Returns:
        Random values, a picture with large and small shapes, and the
        caller's; if the file takes any size, also one of 97 x 71 pixels.

    Raises:
        ArgumentError: the caller's tiles have the wrong shape.
    """
    rng = np.random.default_rng(0)
    low, high = facts.value_range or (0, 255)
    size = settings.tile_size, settings.tile_size
    count = max(_LEAST_TILES, settings.batch_size or 1)
    bands = facts.num_bands

    def random(*shape):
        values = rng.uniform(low, high, shape)
        return np.rint(values) if high - low >= _BYTES else values

    tiles = {
        "random": random(count, *size, bands),
        "picture": low + (high - low) * _picture(rng, count, size, bands),
    }
    if settings.dynamic:
        odd = _picture(rng, count, _ODD_SIZE, bands)
        tiles["picture of 97 x 71"] = low + (high - low) * odd
    if given is not None:
        given = np.asarray(given)
        _check_given(given, settings, bands)
        tiles["given"] = given
    return {name: x.astype("float32") for name, x in tiles.items()}


def compare(
    file: ExportedModel, model: Any, tiles: dict[str, np.ndarray]
) -> list[Difference]:
    """Run a file and its model on the same tiles.

    Args:
        file: the file, loaded.
        model: the task.
        tiles: what `check_tiles` returned.
    """
    differences = []
    for name, x in tiles.items():
        expected = np.asarray(model.predict_on_batch(x), "float32")
        actual = file.predict_on_batch(x)
        if actual.shape != expected.shape:
            raise ExportError(
                f"The file returns {actual.shape}, the model {expected.shape}"
            )
        classes, expected_classes = actual.argmax(-1), expected.argmax(-1)
        output = file.facts.output
        far = _far(actual, expected, output)
        undecided = np.zeros(len(x), bool)
        rounded = np.zeros(len(x), bool)
        if file.facts.weights == "float32" and not (far <= TOLERANCE).all():
            other = _far(actual, _rounded_otherwise(model, x, expected), output)
            rounded = (other <= TOLERANCE) & ~(far <= TOLERANCE)
            far = np.where(rounded, other, far)
        if file.facts.weights == "float32" and not (far <= TOLERANCE).all():
            undecided = _undecided(model, x, expected, output)
        differences.append(
            Difference(
                name,
                float(far[~undecided].max()) if not undecided.all() else np.nan,
                float(np.mean(classes == expected_classes)),
                _mean_iou(classes, expected_classes),
                len(x),
                int(undecided.sum()),
                int((rounded & ~undecided).sum()),
            )
        )
    return differences


def refuse_if_far(
    differences: Sequence[Difference], settings: ExportSettings
) -> None:
    """Raise if a file does not do what its model does.

    Args:
        differences: what `compare` returned.
        settings: the settings of the export.

    Raises:
        ExportError: a difference is above `TOLERANCE`; with weights of lower
            precision, fewer pixels than `LEAST_AGREEMENT` keep their class.
    """
    shown = "; ".join(map(describe, differences))
    if settings.weights != "float32":
        if min(d.agreement for d in differences) < LEAST_AGREEMENT:
            raise ExportError(
                f"With {settings.weights} weights, more than "
                f"{1 - LEAST_AGREEMENT:.0%} of the pixels change class, "
                f"so {settings.path} is not kept. {shown}"
            )
        return
    decided = [d for d in differences if d.undecided < d.count]
    if not decided:
        raise ExportError(
            "On every tile tried, the model's own output changes when its "
            "input changes by two millionths, so "
            f"{settings.path} cannot be checked. Give real `tiles`. "
            f"{shown}"
        )
    # NaN compares as false.
    if not all(d.largest <= TOLERANCE for d in decided):
        raise ExportError(
            f"{settings.path} differs from the model by more than "
            f"{TOLERANCE:g} of the largest value, so it is not kept. {shown}"
        )


def describe(difference: Difference) -> str:
    """Return a difference as a readable line.

    Args:
        difference: one of those from `compare`.
    """
    text = (
        f"{difference.tiles} tiles: largest difference "
        f"{difference.largest:.1e} relative, {difference.agreement:.4%} of "
        f"pixels of the same class, mean IoU {difference.mean_iou:.4f}"
    )
    if difference.undecided:
        text += (
            f" ({difference.undecided} of "
            f"{counted(difference.count, 'tile')} left out of the first, as "
            "the model itself picks points by rounding there)"
        )
    if difference.rounded:
        text += (
            f" ({difference.rounded} of "
            f"{counted(difference.count, 'tile')} compared with the model "
            "under a different rounding of its point scores)"
        )
    return text


# Values of bytes or more are integers.
_BYTES = 255


def _picture(
    rng: np.random.Generator, count: int, size: tuple[int, int], bands: int
) -> np.ndarray:
    """Shapes of all sizes, as in imagery, with values from 0 to 1."""
    height, width = size
    total = np.zeros((count, height, width, bands))
    for octave in range(_WHITE_TO_SMOOTH):
        step = 2**octave
        rows = -(-height // step)
        columns = -(-width // step)
        coarse = rng.random((count, rows, columns, bands)) * step
        full = coarse.repeat(step, axis=1).repeat(step, axis=2)
        total += full[:, :height, :width]
    return total / total.max()


def _check_given(
    given: np.ndarray, settings: ExportSettings, bands: int
) -> None:
    height, width = settings.image_size or (None, None)
    expected = (None, height, width, bands)
    if given.ndim != 4 or not all(
        length in (None, own)
        for length, own in zip(expected, given.shape, strict=True)
    ):
        side = height or "any"
        raise ArgumentError(
            f"`tiles` must have shape (B, {side}, {side}, {bands}). Received: "
            f"{given.shape}"
        )


def _far(actual: np.ndarray, expected: np.ndarray, output: str) -> np.ndarray:
    """Largest difference in each tile, relative to the largest value of all."""
    if output == "probabilities":
        actual, expected = _softmax(actual), _softmax(expected)
    scale = float(np.abs(expected).max()) or 1.0
    return np.abs(actual - expected).max(axis=(1, 2, 3)) / scale


def _rounded_otherwise(
    model: Any, x: np.ndarray, expected: np.ndarray
) -> np.ndarray:
    """The model's output with the operators of its file."""
    if not callable(getattr(model, "for_inference", None)):
        return expected
    # Imported here: the command line refuses wrong requests without it.
    import keras

    scale, offset = normalisation_of(model)
    with portable_graph():
        answer = model(x * scale + offset, training=False)
    return keras.ops.convert_to_numpy(answer).astype("float32")


def _undecided(
    model: Any, x: np.ndarray, expected: np.ndarray, output: str
) -> np.ndarray:
    """Which tiles change the model's output after the slightest change."""
    rng = np.random.default_rng(0)
    changes: list[Any] = [1 + _SLIGHT, 1 - _SLIGHT]
    changes += [
        1 + _SLIGHT * rng.standard_normal(x.shape) for _ in range(_DRAWS)
    ]
    undecided = np.zeros(len(x), bool)
    for change in changes:
        changed = (x * change).astype("float32")
        answer = np.asarray(model.predict_on_batch(changed), "float32")
        undecided |= _far(answer, expected, output) > TOLERANCE
    return undecided


def _mean_iou(classes: np.ndarray, expected: np.ndarray) -> float:
    ious = []
    for index in np.unique(expected):
        union = (classes == index) | (expected == index)
        both = (classes == index) & (expected == index)
        ious.append(both.sum() / union.sum())
    return float(np.mean(ious))


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)
