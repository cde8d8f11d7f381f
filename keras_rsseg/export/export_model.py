"""Export a model to a file for other runtimes."""

import dataclasses
import json
import os
import pathlib
import shutil
import tempfile
import time
from typing import Any

import numpy as np

from keras_rsseg import __version__
from keras_rsseg.errors import ArgumentTypeError
from keras_rsseg.errors import ExportError
from keras_rsseg.export.check_file import Difference
from keras_rsseg.export.check_file import check_tiles
from keras_rsseg.export.check_file import compare
from keras_rsseg.export.check_file import describe
from keras_rsseg.export.check_file import refuse_if_far
from keras_rsseg.export.inference_graph import make_inference_graph
from keras_rsseg.export.other_backends import write_by_tensorflow
from keras_rsseg.export.qgis import check_takes_bytes
from keras_rsseg.export.real_tiles import tiles_of_scene
from keras_rsseg.export.settings import ExportSettings
from keras_rsseg.export.settings import Program
from keras_rsseg.export.stac_item import stac_item
from keras_rsseg.export.writers import add_facts
from keras_rsseg.export.writers import write_model
from keras_rsseg.files import check_free
from keras_rsseg.scenes.exported.exported_facts import ExportedFacts
from keras_rsseg.scenes.exported.exported_facts import Output
from keras_rsseg.scenes.exported.exported_facts import Weights
from keras_rsseg.scenes.exported.exported_model import ExportedModel
from keras_rsseg.scenes.exported.exported_model import load_exported
from keras_rsseg.scenes.exported.runtimes import open_runtime
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import PathLike

_PATHS = {".xml": (".xml", ".bin")}


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """What `export_model` wrote.

    Attributes:
        path: path of the file, or of the folder of a SavedModel.
        stac_item: path of the STAC item beside it.
        size: bytes of the file or files.
        differences: one for each kind of tiles compared.
        seconds: wall-clock time.

    Example:

    ```python
    import pathlib

    difference = keras_rsseg.export.Difference("random", 2e-6, 1.0, 1.0)
    path = pathlib.Path("m.onnx")
    result = keras_rsseg.export.ExportResult(
        path, pathlib.Path("m.onnx.stac.json"), 4_200_000, [difference], 61.0
    )
    result.difference  # 2e-06
    ```
    """

    path: pathlib.Path
    stac_item: pathlib.Path
    size: int
    differences: list[Difference]
    seconds: float

    @property
    def difference(self) -> float:
        """The largest of all relative differences."""
        return _largest(self.differences)


def export_model(
    model: Any,
    path: str | os.PathLike,
    tile_size: int = 512,
    *,
    dynamic: bool = False,
    batch_size: int | None = 1,
    output: Output = "logits",
    data_format: DataFormat = "channels_last",
    weights: Weights = "float32",
    target: Program | None = None,
    tiles: np.ndarray | PathLike | None = None,
    overwrite: bool = False,
    verbose: bool = True,
) -> ExportResult:
    """Writes a model to a file for other runtimes, and checks that file.

    The suffix decides the format: `.onnx`, `.tflite` (LiteRT), `.xml`
    (OpenVINO, with its `.bin`), or none for a folder, TensorFlow's
    SavedModel. The file takes raw tiles, as `predict_scene` reads them: it
    includes normalisation, and the faster network from
    `optimize_for_inference`. It states the classes, bands and values of its
    model, so that `keras_rsseg.scenes.load_exported` and
    `keras-rsseg predict --preset FILE` need nothing else.

    Before it gets its name, the file is run by its own runtime, and its
    outputs are compared with the model's. A STAC item is written beside it,
    with the same name and `.stac.json`.

    The file is made from TensorFlow's graph. With Keras on JAX or torch, a
    separate process loads the weights on TensorFlow; outputs are compared
    with those of the model on its own backend.

    Args:
        model: a task, such as `keras_rsseg.from_preset` returns.
        path: path of the file or folder to write.
        tile_size: length of a tile in pixels. Unless `dynamic`, the file
            takes no other.
        dynamic: whether it takes tiles of any height and width.
        batch_size: tiles per call, or `None` for any number.
        output: `"logits"` or `"probabilities"`.
        data_format: layout of the file's input and output,
            `"channels_last"` or `"channels_first"`.
        weights: `"float32"`; `"float16"` or `"int8"` halve or quarter the
            size of the file by rounding weights, which costs accuracy: the
            differences show how much.
        target: `"qgis"` for an ONNX file that the plugin Deepness loads:
            channels-first, probabilities, one tile of a fixed size, bytes
            divided by 255, and the plugin's own metadata.
        tiles: real tiles to compare outputs on, besides random ones and a
            drawn picture: an array `(B, H, W, bands)`, or the path of a
            scene.
        overwrite: whether an existing file may be replaced.
        verbose: whether to print the differences.

    Returns:
        An `ExportResult`.

    Raises:
        ArgumentError: an argument is out of range, or two contradict each
            other.
        ExportError: the outputs differ by more than 1e-4 of the largest, or
            the runtime refuses the file; nothing is kept. (Tiles on which a
            PFNet picks points by rounding are left out; see `Difference`.)
        FileExistsError: the file exists and `overwrite` is false.
        MissingPackageError: a package is missing; `pip install
            "keras-rsseg[export]"` installs all of them.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = keras_rsseg.models.SemanticFPNBackbone(encoder)
    model = keras_rsseg.SemanticFPN(backbone, num_classes=5)
    try:
        keras_rsseg.export_model(model, "maps.tif")
    except keras_rsseg.errors.ArgumentError:
        pass  # It would be "maps.onnx", for one.
    ```
    """
    start = time.perf_counter()
    settings = ExportSettings.of(
        path,
        tile_size=tile_size,
        dynamic=dynamic,
        batch_size=batch_size,
        output=output,
        data_format=data_format,
        weights=weights,
        target=target,
    )
    if not callable(getattr(model, "for_inference", None)):
        raise ArgumentTypeError(
            "`model` must be a task such as `keras_rsseg.PFNet`. Received: "
            f"{type(model).__name__}"
        )
    facts = _facts_of(model, settings)
    if target == "qgis":
        check_takes_bytes(facts)
    if isinstance(tiles, str | os.PathLike):
        tiles = tiles_of_scene(tiles, model, tile_size)
    compared = check_tiles(settings, facts, tiles)
    for each in _files(settings.path):
        _check_free(each, overwrite)
    differences = _write_checked(model, settings, facts, compared, verbose)
    destination = settings.path
    item_path = destination.with_name(f"{destination.name}.stac.json")
    item = stac_item(facts, destination, model.count_params())
    item_path.write_text(json.dumps(item, indent=2) + "\n", encoding="utf-8")
    return ExportResult(
        destination,
        item_path,
        sum(map(_size, _files(destination))),
        differences,
        time.perf_counter() - start,
    )


def _write_checked(
    model: Any,
    settings: ExportSettings,
    facts: ExportedFacts,
    tiles: dict[str, np.ndarray],
    verbose: bool,
) -> list[Difference]:
    """Write the file beside its destination, and move it there if exact."""
    destination = settings.path
    with tempfile.TemporaryDirectory(
        dir=destination.parent, prefix=f".{destination.name}."
    ) as folder:
        written = dataclasses.replace(
            settings, path=pathlib.Path(folder) / destination.name
        )
        _write(model, written, facts)
        differences = _compare(model, written, facts, tiles)
        for each in differences if verbose else ():
            print(f"{destination.name}, {describe(each)}", flush=True)
        refuse_if_far(differences, settings)
        largest = _largest(differences)
        facts = dataclasses.replace(facts, difference=largest)
        add_facts(written.path, written, facts)
        # The final file on disk must load and state the same facts.
        assert load_exported(written.path).facts == facts
        for path in _files(written.path):
            _replace(path, destination.parent / path.name)
    return differences


def _facts_of(model: Any, settings: ExportSettings) -> ExportedFacts:
    """What a model states about itself, and the settings of the export."""

    def colors(name):
        value = getattr(model, name)
        return value and [list(color) for color in value]

    bands = model.bands
    count = model.input_shape[-1]
    return ExportedFacts(
        system=type(model).__name__,
        preset=_preset_name(model),
        version=__version__,
        num_classes=model.num_classes,
        class_names=model.class_names and list(model.class_names),
        palette=colors("palette"),
        display_palette=colors("display_palette"),
        bands=count if bands is None else list(bands),
        value_range=model.value_range and tuple(model.value_range),
        ground_sample_distance=model.ground_sample_distance,
        data_format=settings.data_format,
        output=settings.output,
        input_scale=settings.input_scale,
        weights=settings.weights,
        batch_size=settings.batch_size,
        image_size=settings.image_size,
        tile_size=settings.tile_size,
        overlap=settings.overlap,
    )


def _preset_name(model: Any) -> str | None:
    """Name of a model's preset; of a folder, without its path."""
    preset = getattr(model, "preset", None)
    if not isinstance(preset, str) or "://" in preset:
        return preset if isinstance(preset, str) else None
    return pathlib.Path(preset).name


def _largest(differences: list[Difference]) -> float:
    # NaN if all tiles of a kind are left out.
    return float(np.nanmax([each.largest for each in differences]))


def _write(model: Any, settings: ExportSettings, facts: ExportedFacts) -> None:
    import keras

    if keras.backend.backend() == "tensorflow":
        graph = make_inference_graph(model, settings, facts)
        write_model(graph, settings.path, settings)
    else:
        write_by_tensorflow(model, settings, facts)


def _compare(
    model: Any,
    settings: ExportSettings,
    facts: ExportedFacts,
    tiles: dict[str, np.ndarray],
) -> list[Difference]:
    file = ExportedModel(open_runtime(settings.path), facts, settings.path)
    try:
        return compare(file, model, tiles)
    except ExportError:
        raise
    except RuntimeError as error:
        raise ExportError(
            f"{settings.path.name} was written, but its runtime cannot run "
            f"it, so it is deleted. {type(error).__name__}: {error}"
        ) from error


def _files(path: pathlib.Path) -> list[pathlib.Path]:
    """The files, or the folder, that a path stands for."""
    endings = _PATHS.get(path.suffix.lower())
    if endings is None:
        return [path]
    return [path.with_suffix(ending) for ending in endings]


def _check_free(path: pathlib.Path, overwrite: bool) -> None:
    if not path.is_dir():
        check_free(path, overwrite)
        return
    saved = (path / "saved_model.pb").is_file()
    if any(path.iterdir()) and not (overwrite and saved):
        raise FileExistsError(
            f"{path} is a folder with files in it. "
            + (
                "Give `overwrite=True` to replace it"
                if saved
                else "They are not a SavedModel: give another name"
            )
        )


def _replace(source: pathlib.Path, destination: pathlib.Path) -> None:
    if destination.is_dir():
        shutil.rmtree(destination)
    os.replace(source, destination)


def _size(path: pathlib.Path) -> int:
    if path.is_dir():
        return sum(map(_size, path.iterdir()))
    return path.stat().st_size
