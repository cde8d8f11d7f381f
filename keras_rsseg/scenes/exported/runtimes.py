"""The runtimes of exported files, behind a common interface."""

import importlib
import os
import pathlib
import types
import zipfile
from typing import Any
from typing import Protocol

import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MissingPackageError
from keras_rsseg.errors import PresetError
from keras_rsseg.scenes.exported.exported_facts import KEY

# In the archive at the end of a .tflite file, and beside a SavedModel's graph.
FACTS_FILE = f"{KEY}.json"
ASSETS = "assets.extra"

_PIP = 'Install it with: pip install "keras-rsseg[{}]"'


class Runtime(Protocol):
    """A file that is ready to run."""

    # Facts about the model, as `ExportedFacts.to_json` wrote them, or `None`.
    text: str | None

    def run(self, tiles: np.ndarray) -> np.ndarray:
        """Return the file's output for its input, both float32."""


class OnnxRuntime:
    """ONNX, run by onnxruntime on the CPU."""

    def __init__(self, path: pathlib.Path) -> None:
        onnxruntime = need("onnxruntime", "onnx")
        options = onnxruntime.SessionOptions()
        # Only errors: it warns about every constant that it folds.
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            os.fspath(path), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        properties = self._session.get_modelmeta().custom_metadata_map
        self.text = properties.get(KEY)

    def run(self, tiles: np.ndarray) -> np.ndarray:
        return self._session.run(None, {self._input: tiles})[0]


class LiteRTRuntime:
    """LiteRT, formerly TensorFlow Lite."""

    def __init__(self, path: pathlib.Path) -> None:
        module = need("ai_edge_litert.interpreter", "litert")
        # Read here, as an archive follows the model.
        content = path.read_bytes()
        self._interpreter = module.Interpreter(
            model_content=content, num_threads=os.cpu_count() or 1
        )
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._shape = tuple(self._interpreter.get_input_details()[0]["shape"])
        self.text = _archived(path)

    def run(self, tiles: np.ndarray) -> np.ndarray:
        if tiles.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input, tiles.shape)
            self._interpreter.allocate_tensors()
            self._shape = tiles.shape
        self._interpreter.set_tensor(self._input, tiles)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)


class OpenVINORuntime:
    """OpenVINO, on the CPU and in float32."""

    def __init__(self, path: pathlib.Path) -> None:
        openvino = need("openvino", "openvino")
        core = openvino.Core()
        model = core.read_model(path)
        # By default newer CPUs compute in bfloat16, with other results.
        self._compiled = core.compile_model(
            model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
        )
        self.text = None
        if model.has_rt_info([KEY]):
            self.text = model.get_rt_info([KEY]).astype(str)

    def run(self, tiles: np.ndarray) -> np.ndarray:
        return np.array(self._compiled(tiles)[0])


class SavedModelRuntime:
    """A TensorFlow SavedModel."""

    def __init__(self, path: pathlib.Path) -> None:
        tensorflow = need("tensorflow", None)
        self._model = tensorflow.saved_model.load(os.fspath(path))
        self._function = self._model.signatures["serving_default"]
        self._tensor = tensorflow.constant
        facts = path / ASSETS / FACTS_FILE
        self.text = (
            facts.read_text(encoding="utf-8") if facts.is_file() else None
        )

    def run(self, tiles: np.ndarray) -> np.ndarray:
        (output,) = self._function(tiles=self._tensor(tiles)).values()
        return output.numpy()


_RUNTIMES: dict[str, type[Any]] = {
    ".onnx": OnnxRuntime,
    ".tflite": LiteRTRuntime,
    ".xml": OpenVINORuntime,
    "": SavedModelRuntime,
}


def format_of(path: str | os.PathLike) -> str:
    """Return the suffix of an exported file, `""` for a SavedModel's folder.

    Args:
        path: path of the file, which need not exist.

    Raises:
        ArgumentError: exported files never have this suffix.
    """
    ending = pathlib.Path(path).suffix.lower()
    if ending not in _RUNTIMES:
        raise ArgumentError(
            "`path` must end in .onnx (ONNX), .tflite (LiteRT), .xml "
            "(OpenVINO), or be a folder without a suffix (SavedModel). "
            f"Received: path={os.fspath(path)!r}"
        )
    return ending


def is_exported(path: str | os.PathLike) -> bool:
    """Return whether a name is that of an exported file or folder.

    Args:
        path: any path, which need not exist.

    Example:

    ```python
    from keras_rsseg.scenes.exported.runtimes import is_exported

    is_exported("harbour.onnx"), is_exported("my_preset")  # (True, False)
    ```
    """
    path = pathlib.Path(path)
    if (path / "saved_model.pb").is_file():
        return True
    return path.suffix.lower() in _RUNTIMES and path.suffix != ""


def open_runtime(path: str | os.PathLike) -> Runtime:
    """Return an exported file, ready to run.

    Args:
        path: path of the file, or of the folder of a SavedModel.

    Raises:
        ArgumentError: it has any other suffix.
        FileNotFoundError: there is no such file.
        MissingPackageError: the package that runs it is not installed.
        PresetError: the file is damaged or not a model.
    """
    ending, path = format_of(path), pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no exported model {path}")
    try:
        return _RUNTIMES[ending](path)
    except (MissingPackageError, MemoryError):
        raise
    except Exception as error:
        # Each runtime raises errors of its own for this.
        raise PresetError(
            f"{path} cannot be loaded; it is damaged or not such a model. "
            f"{type(error).__name__}: {error}"
        ) from error


def need(module: str, extra: str | None) -> types.ModuleType:
    """Import a module that a format needs.

    Args:
        module: its name.
        extra: extra of this package that installs it; `None` for a
            requirement of the package itself.

    Raises:
        MissingPackageError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        name = module.partition(".")[0]
        how = f"pip install {name}" if extra is None else _PIP.format(extra)
        raise MissingPackageError(
            f"This needs {name}, which is not installed. {how}"
        ) from error


def _archived(path: pathlib.Path) -> str | None:
    """The text appended to a .tflite file."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        if FACTS_FILE not in archive.namelist():
            return None
        return archive.read(FACTS_FILE).decode("utf-8")
