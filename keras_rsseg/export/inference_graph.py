"""A task as one TensorFlow graph: raw tiles in, logits out."""

from typing import Any
from typing import NamedTuple

import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.export.settings import ExportSettings
from keras_rsseg.ops.portable import portable_graph
from keras_rsseg.scenes.exported.exported_facts import ExportedFacts

INPUT = "tiles"


class InferenceGraph(NamedTuple):
    """A graph with constant weights.

    Attributes:
        function: TensorFlow's concrete function of tiles.
        definition: its `GraphDef`.
        input_name: name of the input tensor.
        output_name: name of the output tensor.
    """

    function: Any
    definition: Any
    input_name: str
    output_name: str


def make_inference_graph(
    model: Any, settings: ExportSettings, facts: ExportedFacts
) -> InferenceGraph:
    """Trace a task, with its normalisation, on Keras' TensorFlow backend.

    It traces the task's faster twin (see
    `keras_rsseg.optimize_for_inference`) with operators that all runtimes
    have.

    Args:
        model: a task.
        settings: the settings of the export.
        facts: what the file will state about the model.
    """
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    twin = model.for_inference()
    scale, offset = normalisation_of(model)
    scale = scale * np.float32(settings.input_scale)
    first = settings.data_format == "channels_first"

    def answer(tiles):
        x = tf.transpose(tiles, (0, 2, 3, 1)) if first else tiles
        y = twin(x * scale + offset, training=False)
        if settings.output == "probabilities":
            y = tf.nn.softmax(y, axis=-1)
        return tf.transpose(y, (0, 3, 1, 2)) if first else y

    signature = [tf.TensorSpec(facts.input_shape, tf.float32, name=INPUT)]
    traced = tf.function(answer, input_signature=signature, autograph=False)
    with portable_graph():
        concrete = traced.get_concrete_function()
    frozen = convert_to_constants.convert_variables_to_constants_v2(concrete)
    return InferenceGraph(
        frozen,
        frozen.graph.as_graph_def(),
        frozen.inputs[0].name,
        frozen.outputs[0].name,
    )


def normalisation_of(model: Any) -> tuple[Any, Any]:
    """Return scale and offset of a task's preprocessor, NumPy float32.

    Args:
        model: a task.

    Raises:
        ArgumentError: it also resizes its tiles.
    """
    converter = getattr(model.preprocessor, "image_converter", None)
    if converter is None:
        return np.float32(1), np.float32(0)
    if getattr(converter, "image_size", None) is not None:
        raise ArgumentError(
            "`model` resizes its tiles, which an exported file does not. "
            "Received: a preprocessor with image_size="
            f"{converter.image_size}"
        )
    scale, offset = converter.scale, converter.offset
    return (
        np.asarray(1 if scale is None else scale, "float32"),
        np.asarray(0 if offset is None else offset, "float32"),
    )
