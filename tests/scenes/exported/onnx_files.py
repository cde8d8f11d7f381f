"""ONNX files made by hand, with known results."""

import numpy as np

from keras_rsseg.scenes.exported.exported_facts import KEY
from keras_rsseg.scenes.exported.exported_facts import ExportedFacts

# Classes are thresholds of the first band, as in `threshold_model`.
WEIGHTS = np.array(
    [[0.0, 0.02, 0.04], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], "float32"
)
BIAS = np.array([0.0, -1.0, -4.0], "float32")


def make_facts(**changes):
    """Return facts of three classes of three bands."""
    given = {
        "system": "PFNet",
        "preset": "thresholds",
        "version": "0.1.0",
        "num_classes": 3,
        "class_names": ["dark", "grey", "bright"],
        "palette": [[0, 0, 0], [120, 120, 120], [255, 255, 255]],
        "bands": ["red", "green", "blue"],
        "value_range": (0, 255),
        "ground_sample_distance": 0.5,
        "tile_size": 32,
        "overlap": 8,
    }
    return ExportedFacts(**{**given, **changes})


def write_onnx(path, facts, text=None):
    """Write a network of a single product, channels-last, and softmax.

    Args:
        path: path of the file.
        facts: its facts; layout and output are followed.
        text: text in place of the facts.
    """
    from onnx import TensorProto
    from onnx import checker
    from onnx import helper
    from onnx import numpy_helper
    from onnx import save

    first = facts.data_format == "channels_first"
    nodes, x = [], "tiles"

    def add(operator, inputs, **options):
        output = f"x{len(nodes)}"
        nodes.append(helper.make_node(operator, inputs, [output], **options))
        return output

    if first:
        x = add("Transpose", [x], perm=[0, 2, 3, 1])
    x = add("MatMul", [x, "weights"])
    x = add("Add", [x, "bias"])
    if facts.output == "probabilities":
        x = add("Softmax", [x], axis=-1)
    if first:
        x = add("Transpose", [x], perm=[0, 3, 1, 2])

    def value(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    weights = WEIGHTS * np.float32(facts.input_scale)
    graph = helper.make_graph(
        nodes,
        "thresholds",
        [value("tiles", facts.input_shape)],
        [value(x, facts.output_shape)],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(BIAS, "bias"),
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9
    )
    if text is None:
        text = facts.to_json()
    helper.set_model_props(model, {KEY: text} if text else {})
    checker.check_model(model)
    save(model, path)
    return path


def answers(tiles):
    """Return the logits of tiles."""
    return np.asarray(tiles, "float32") @ WEIGHTS + BIAS
