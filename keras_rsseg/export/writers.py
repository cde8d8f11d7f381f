"""One writer per format: a graph to a file, and facts into the file."""

import logging
import os
import pathlib
import zipfile
from typing import Any

import numpy as np

from keras_rsseg.export.inference_graph import INPUT
from keras_rsseg.export.inference_graph import InferenceGraph
from keras_rsseg.export.qgis import deepness_properties
from keras_rsseg.export.settings import ExportSettings
from keras_rsseg.scenes.exported.exported_facts import KEY
from keras_rsseg.scenes.exported.exported_facts import ExportedFacts
from keras_rsseg.scenes.exported.runtimes import ASSETS
from keras_rsseg.scenes.exported.runtimes import FACTS_FILE
from keras_rsseg.scenes.exported.runtimes import need

# The newest that onnxruntime, OpenVINO, onnxruntime-web and tf2onnx all had.
OPSET = 18
OUTPUT = "output"

# Weights with fewer numbers gain nothing from lower precision.
_FEW = 256


def write_model(
    graph: InferenceGraph, path: pathlib.Path, settings: ExportSettings
) -> None:
    """Write a graph to a file of the requested format.

    Args:
        graph: `InferenceGraph`.
        path: path of the file or folder, which must not exist yet.
        settings: the settings of the export.

    Raises:
        MissingPackageError: a package that writes the format is missing.
    """
    writers = {
        ".onnx": _write_onnx,
        ".tflite": _write_tflite,
        ".xml": _write_openvino,
        "": _write_saved_model,
    }
    writers[settings.format](graph, path, settings)


def add_facts(
    path: pathlib.Path, settings: ExportSettings, facts: ExportedFacts
) -> None:
    """Write what a model states about itself into its file.

    Args:
        path: path of the file or folder that `write_model` wrote.
        settings: the settings of the export.
        facts: the facts to write.
    """
    text = facts.to_json()
    if settings.format == ".onnx":
        onnx = need("onnx", "export")
        model = onnx.load(path)
        properties = {KEY: text}
        if settings.target == "qgis":
            properties |= deepness_properties(facts)
        onnx.helper.set_model_props(model, properties)
        onnx.save(model, path)
    elif settings.format == ".tflite":
        # Readers of the model stop at its end.
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(FACTS_FILE, text)
    elif settings.format == ".xml":
        openvino = need("openvino", "export")
        # A folder of its own: the weights are mapped while being written.
        model = openvino.Core().read_model(path)
        model.set_rt_info(text, [KEY])
        told = path.with_name(f"told_{path.name}")
        openvino.save_model(model, told, compress_to_fp16=False)
        del model
        for ending in (".xml", ".bin"):
            os.replace(told.with_suffix(ending), path.with_suffix(ending))
    else:
        (path / ASSETS).mkdir()
        (path / ASSETS / FACTS_FILE).write_text(text, encoding="utf-8")


def _write_onnx(
    graph: InferenceGraph, path: pathlib.Path, settings: ExportSettings
) -> None:
    onnx = need("onnx", "export")
    convert = need("tf2onnx", "export").convert
    model, _ = convert.from_graph_def(
        graph.definition,
        name="keras_rsseg",
        input_names=[graph.input_name],
        output_names=[graph.output_name],
        opset=OPSET,
        custom_op_handlers={"SelectV2": (_choose, [])},
    )
    _rename(model, {graph.input_name: INPUT, graph.output_name: OUTPUT})
    if settings.weights != "float32":
        _shorten(model, settings.weights)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _choose(context: Any, node: Any, name: str, arguments: Any) -> Any:
    """Convert a choice between two arrays to ONNX's own.

    tf2onnx multiplies both by 0 or 1 and adds, which lets through a NaN or
    infinity that was not chosen.
    """
    node.type = "Where"
    return node


def _write_tflite(
    graph: InferenceGraph, path: pathlib.Path, settings: ExportSettings
) -> None:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [graph.function]
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if settings.weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if settings.weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    logger = logging.getLogger("absl")
    level = logger.level
    # It warns that the weights have no owner, but they are in the graph.
    logger.setLevel(logging.ERROR)
    try:
        path.write_bytes(converter.convert())
    finally:
        logger.setLevel(level)


def _write_openvino(
    graph: InferenceGraph, path: pathlib.Path, settings: ExportSettings
) -> None:
    openvino = need("openvino", "export")
    # Through ONNX, whose operators define exactly what they compute.
    onnx_path = path.with_suffix(".onnx")
    _write_onnx(graph, onnx_path, settings)
    model = openvino.convert_model(os.fspath(onnx_path))
    half = settings.weights == "float16"
    openvino.save_model(model, path, compress_to_fp16=half)
    onnx_path.unlink()


def _write_saved_model(
    graph: InferenceGraph, path: pathlib.Path, settings: ExportSettings
) -> None:
    import tensorflow as tf

    module = tf.Module()
    tf.saved_model.save(
        module, os.fspath(path), signatures={"serving_default": graph.function}
    )


def _rename(model: Any, names: dict[str, str]) -> None:
    """Rename tensors of an ONNX model."""
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*model.graph.input, *model.graph.output):
        value.name = names.get(value.name, value.name)


def _shorten(model: Any, weights: str) -> None:
    """Store the large weights of an ONNX model in fewer bits.

    They become float32 again when the model is loaded, so that any processor
    computes as before, with rounded weights.
    """
    onnx = need("onnx", "export")
    nodes, graph = [], model.graph
    for tensor in list(graph.initializer):
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        if values.size < _FEW:
            continue
        short = f"{tensor.name}__{weights}"
        graph.initializer.remove(tensor)
        if weights == "float16":
            stored = [(short, values.astype("float16"))]
            operator, options = "Cast", {"to": onnx.TensorProto.FLOAT}
        else:
            scale, numbers = _as_int8(values)
            stored = [(short, numbers), (f"{short}_scale", scale)]
            operator, options = "DequantizeLinear", {"axis": 0}
        for name, array in stored:
            graph.initializer.append(onnx.numpy_helper.from_array(array, name))
        nodes.append(
            onnx.helper.make_node(
                operator, [n for n, _ in stored], [tensor.name], **options
            )
        )
    for node in reversed(nodes):
        graph.node.insert(0, node)


def _as_int8(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales along the first axis, and integers from -127 to 127."""
    largest = np.abs(values).reshape(len(values), -1).max(axis=1)
    scale = np.where(largest > 0, largest / 127, 1).astype("float32")
    shape = (-1, *[1] * (values.ndim - 1))
    return scale, np.rint(values / scale.reshape(shape)).astype("int8")
