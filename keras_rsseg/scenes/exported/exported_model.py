"""A model from an exported file, for `predict_scene`."""

import math
import os
import pathlib

import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.scenes.exported.exported_facts import ExportedFacts
from keras_rsseg.scenes.exported.runtimes import Runtime
from keras_rsseg.scenes.exported.runtimes import open_runtime

# Below this a probability has no logarithm in float32.
_TINY = np.finfo("float32").tiny


class ExportedModel:
    """Runs an exported file on tiles. `load_exported` makes one.

    It has `predict_on_batch`, and the attributes of a task that a map depends
    on.

    Args:
        runtime: the file, ready to run.
        facts: what the file states about its model.
        path: path of the file.

    Attributes:
        facts: `ExportedFacts`.
        preset: name of the exported preset, or of the file.
        bands, class_names, palette, display_palette, num_classes,
            value_range, ground_sample_distance: as in a task.

    Example:

    ```python
    from keras_rsseg.scenes.exported.exported_facts import ExportedFacts
    from keras_rsseg.scenes.exported.exported_model import ExportedModel

    class Twice:
        text = None

        def run(self, tiles):
            return 2.0 * tiles

    facts = ExportedFacts(system="PFNet", version="1", num_classes=3, bands=3)
    model = ExportedModel(Twice(), facts, "twice.onnx")
    logits = model.predict_on_batch(np.ones((1, 8, 8, 3), "uint8"))
    logits[0, 0, 0]  # [2.0, 2.0, 2.0]
    ```
    """

    def __init__(
        self, runtime: Runtime, facts: ExportedFacts, path: str | os.PathLike
    ) -> None:
        self._runtime = runtime
        self._path = pathlib.Path(path)
        self.facts = facts
        self.preset = facts.preset or self._path.name
        self.bands = facts.bands
        self.class_names = facts.class_names
        self.palette = facts.palette
        self.display_palette = facts.display_palette
        self.num_classes = facts.num_classes
        self.value_range = facts.value_range
        self.ground_sample_distance = facts.ground_sample_distance
        self.__name__ = facts.system

    def predict_on_batch(self, tiles: np.ndarray) -> np.ndarray:
        """Return the logits of tiles.

        Args:
            tiles: array `(B, H, W, bands)`, raw values of any dtype. B can be
                any number; H and W must be the file's, if its size is fixed.

        Returns:
            float32 array `(B, H, W, classes)`. If the file returns
            probabilities, these are their logarithms.

        Raises:
            ArgumentError: the tiles have the wrong shape.
        """
        tiles = np.asarray(tiles)
        self._check(tiles)
        x = tiles.astype("float32")
        if self.facts.input_scale != 1:
            x /= np.float32(self.facts.input_scale)
        first = self.facts.data_format == "channels_first"
        if first:
            x = np.moveaxis(x, -1, 1)
        y = self._in_batches(np.ascontiguousarray(x))
        if first:
            y = np.moveaxis(y, 1, -1)
        if self.facts.output == "probabilities":
            y = np.log(np.maximum(y, _TINY))
        return y

    def _in_batches(self, x: np.ndarray) -> np.ndarray:
        """Run the file as often as its batch size requires."""
        size = self.facts.batch_size
        if size is None or len(x) == size:
            return self._runtime.run(x)
        given, count = len(x), math.ceil(len(x) / size)
        # The last batch is padded with its last tile.
        x = np.concatenate([x, x[-1:].repeat(count * size - given, 0)])
        parts = [self._runtime.run(part) for part in np.split(x, count)]
        return np.concatenate(parts)[:given]

    def _check(self, tiles: np.ndarray) -> None:
        height, width = self.facts.image_size or (None, None)
        expected = (None, height, width, self.facts.num_bands)
        if tiles.ndim == 4 and all(
            length in (None, given)
            for length, given in zip(expected, tiles.shape, strict=True)
        ):
            return
        shape = ", ".join("any" if n is None else str(n) for n in expected)
        hint = ""
        if height is not None and tiles.ndim == 4:
            hint = (
                f". Give `tile_size={height}`, or export the model again with "
                f"`tile_size={tiles.shape[1]}` or `dynamic=True`"
            )
        raise ArgumentError(
            f"{self._path} takes tiles of shape ({shape}). Received: "
            f"{tiles.shape}{hint}"
        )

    def get_weights(self) -> list[np.ndarray]:
        """Return the file's bytes, by which a run recognises its model."""
        files = [self._path]
        if self._path.is_dir():
            files = sorted(p for p in self._path.rglob("*") if p.is_file())
        elif self._path.suffix.lower() == ".xml":
            files.append(self._path.with_suffix(".bin"))
        return [np.fromfile(path, "uint8") for path in files]


def load_exported(path: str | os.PathLike) -> ExportedModel:
    """Load a file that `keras_rsseg.export_model` wrote.

    Neither Keras nor TensorFlow is imported: onnxruntime runs `.onnx`, LiteRT
    `.tflite` and OpenVINO `.xml`, each a package of its own. Only a
    SavedModel, a folder, needs TensorFlow.

    Args:
        path: path of the file or the folder.

    Returns:
        An `ExportedModel`, for `keras_rsseg.predict_scene`.

    Raises:
        FileNotFoundError: there is no such file.
        MissingPackageError: the package that runs it is not installed.
        PresetError: the file is damaged, or was written by something else.

    Example:

    ```python
    try:
        model = keras_rsseg.scenes.load_exported("harbour.onnx")
    except FileNotFoundError:
        pass  # Not written yet, with keras_rsseg.export_model.
    ```
    """
    runtime = open_runtime(path)
    facts = ExportedFacts.from_json(runtime.text, os.fspath(path))
    return ExportedModel(runtime, facts, path)
