"""A task's answers with normalization folded, without a second task."""

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any

import keras
import numpy as np

from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.fold_batch_norm import folded_norms
from keras_rsseg.layers.separable_conv_bn_relu import SeparableConvBNReLU
from keras_rsseg.ops.inference_program import inference_program
from keras_rsseg.typing import Tensor

if TYPE_CHECKING:
    from keras_rsseg.models.segmenter import Segmenter


class FoldedTask:
    """The answers of a task's faster twin, which is not made.

    Making the twin of the default task takes as long as twelve of its tiles
    (512 pixels, two cores). Here the task's own layers run with the twin's
    values of their weights, in one program. It is as fast for TensorFlow and
    JAX, and tasks in the layout that is fastest there.

    It holds the task weakly, so that a cache keyed by the task can keep it.
    What the task learns afterwards is partly seen: make a new one then.

    Args:
        task: a task.

    Example:

    ```python
    from keras_rsseg.models.folded_task import FoldedTask

    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = keras_rsseg.models.SemanticFPNBackbone(encoder)
    model = keras_rsseg.SemanticFPN(backbone, num_classes=5)
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    FoldedTask(model).predict_on_batch(tiles).shape  # (1, 64, 64, 5)
    ```
    """

    def __init__(self, task: "Segmenter") -> None:
        self._task = weakref.ref(task)
        values = [
            pair
            for layer in foldable_layers(task)
            for pair in layer.folded_weights()
        ]
        self._program = inference_program(self._network, task.variables, values)

    def predict_on_batch(self, tiles: np.ndarray) -> np.ndarray:
        """Returns the logits of one batch of tiles, see the task's."""
        return logits_of(self._living_task(), self._program, tiles)

    def _network(self, tiles: Tensor) -> Tensor:
        task = self._living_task()
        with folded_norms(foldable_layers(task)):
            return task(tiles, training=False)

    def _living_task(self) -> "Segmenter":
        task = self._task()
        if task is None:
            raise ReferenceError("The task no longer exists")
        return task


def logits_of(
    task: Any, program: Callable[[Tensor], Tensor], tiles: Any
) -> np.ndarray:
    """Returns the logits of one batch by a program of a task.

    Args:
        task: a task, which normalises.
        program: function of normalised tiles, see `inference_program`.
        tiles: array of tiles.
    """
    samples = task.preprocess_samples(tiles)
    x, _, _ = keras.utils.unpack_x_y_sample_weight(samples)
    logits = program(keras.ops.convert_to_tensor(x))
    return np.array(keras.ops.convert_to_numpy(logits))


def foldable_layers(
    task: "Segmenter",
) -> list[ConvBNReLU | SeparableConvBNReLU]:
    """Returns the layers whose normalization can be folded."""
    return [
        layer
        for layer in task._flatten_layers()
        if isinstance(layer, ConvBNReLU | SeparableConvBNReLU)
    ]
