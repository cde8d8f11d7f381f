"""Which networks can be exported to which format, and how exactly.

    python -m benchmarks.export_formats --write
    KERAS_BACKEND=torch python -m benchmarks.export_formats --write \
        --networks semantic_fpn --formats .onnx
    python -m benchmarks.export_formats --write --weights int8 \
        --networks pfnet_hrnet_ifwm_w18_land_cover --formats .onnx .tflite .xml

exports each network to each format, runs the file with its own runtime and
prints, in Markdown, the largest difference from the network's logits, relative
to the largest of them, or why there is none; the size of the file; and the
seconds per tile, for the file and for Keras' `predict_on_batch`. A network is
a preset, or a name in `examples.networks`, with random weights. `--write`
stores the measurements in `benchmarks/exports.json`, by network, format and
backend, and makes `benchmarks/EXPORTS.md` from its content. On two CPU cores a
network takes some minutes per format.
"""

import argparse
import json
import pathlib
import tempfile
import time
from collections.abc import Sequence
from typing import Any
from typing import get_args

import keras
import numpy as np

import keras_rsseg
from examples.networks import SYSTEMS
from examples.networks import build_task
from keras_rsseg.datasets.loveda import FACTS
from keras_rsseg.errors import KerasRssegError
from keras_rsseg.scenes.exported.exported_facts import Weights
from keras_rsseg.tables import markdown_lines

FOLDER = pathlib.Path(__file__).parent
NETWORKS = (
    "pfnet_hrnet_ifwm_w18_land_cover",
    "hrnet_ifwm_w18_land_cover",
    "pfnet",
    "semantic_fpn",
)
FORMATS = {
    ".onnx": "ONNX",
    ".tflite": "LiteRT",
    ".xml": "OpenVINO",
    "": "SavedModel",
}
HEADER = (
    "network",
    "format",
    "backend",
    "tile",
    "difference",
    "MB",
    "s per tile",
    "Keras, s per tile",
)


def load(network: str) -> Any:
    """Return a preset's task, or a network of `examples.networks`.

    Args:
        network: name of either.
    """
    if network in SYSTEMS:
        keras.utils.set_random_seed(0)
        return build_task(network, FACTS)
    return keras_rsseg.from_preset(network)


def measure(
    model: Any, ending: str, tile_size: int, folder: pathlib.Path, **options
) -> dict[str, Any]:
    """Export a network to one format, and run the file.

    Args:
        model: a task.
        ending: suffix of the file.
        tile_size: side of a tile in pixels.
        folder: folder for the file.
        **options: options of `keras_rsseg.export_model`.

    Returns:
        A dict for JSON: `difference`, `mean_iou` of the file's classes
        against the network's, `size`, `seconds` and `keras_seconds`,
        or `error`, the reason why there is no file.
    """
    path = folder / f"model{ending}"
    try:
        result = keras_rsseg.export_model(
            model, path, tile_size, verbose=False, **options
        )
    except KerasRssegError as error:
        # Without the folder of this run.
        reason = str(error).splitlines()[0].replace(f"{folder}/", "")
        return {"error": reason}
    file = keras_rsseg.scenes.load_exported(path)
    return {
        "difference": result.difference,
        "mean_iou": min(each.mean_iou for each in result.differences),
        "size": result.size,
        "seconds": _seconds(file, tile_size),
        "keras_seconds": _seconds(model, tile_size),
    }


def _seconds(model: Any, tile_size: int) -> float:
    """The fastest of three runs, after a first one that compiles."""
    tile = np.random.default_rng(0).integers(0, 256, (1, tile_size, tile_size))
    tile = np.stack([tile] * 3, axis=-1).astype("uint8")
    times = []
    for _ in range(4):
        start = time.perf_counter()
        model.predict_on_batch(tile)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def rows(results: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Return the rows of the table.

    Args:
        results: measurements by network, format, backend and tile.
    """
    table = []
    for key, found in sorted(results.items()):
        network, ending, backend, tile = key.split("|")
        cells = [found.get("error", ""), "", "", ""]
        if "error" not in found:
            cells = [
                f"{found['difference']:.1e}{_mean_iou(tile, found)}",
                f"{found['size'] / 1e6:.1f}",
                f"{found['seconds']:.2f}",
                f"{found['keras_seconds']:.2f}",
            ]
        table.append([f"`{network}`", FORMATS[ending], backend, tile, *cells])
    return table


def _mean_iou(what: str, found: dict[str, Any]) -> str:
    """What rounded weights cost, by which their files are judged."""
    return f", mean IoU {found['mean_iou']:.4f}" if ", " in what else ""


def write(results: dict[str, dict[str, Any]], folder: pathlib.Path) -> None:
    """Store the measurements along with earlier ones.

    Args:
        results: as for `rows`.
        folder: folder of `exports.json` and `EXPORTS.md`.
    """
    path = folder / "exports.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    known.update(results)
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    lines = [
        "# Exported files",
        "",
        "Made by `python -m benchmarks.export_formats --write`: the largest",
        "difference from the network's logits on random tiles and a drawn",
        "picture, relative to the largest logit. Times are for two busy CPU",
        "cores: compare them only within a row.",
        "",
        *markdown_lines(HEADER, rows(known)),
    ]
    (folder / "EXPORTS.md").write_text("\n".join(lines) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Args:
        arguments: arguments of the command line.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--formats", nargs="+", default=list(FORMATS))
    parser.add_argument("--tile-size", type=int, default=256)
    parser.add_argument(
        "--weights", default="float32", choices=get_args(Weights)
    )
    parser.add_argument("--dynamic", action="store_true", help="any size")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER)
    given = parser.parse_args(arguments)
    backend = keras.backend.backend()
    results = {}
    for network in given.networks:
        model = load(network)
        for ending in given.formats:
            ending = "" if ending == "saved_model" else ending
            with tempfile.TemporaryDirectory() as folder:
                found = measure(
                    *(model, ending, given.tile_size, pathlib.Path(folder)),
                    dynamic=given.dynamic,
                    weights=given.weights,
                )
            what = "any size" if given.dynamic else str(given.tile_size)
            if given.weights != "float32":
                what += f", {given.weights}"
            key = f"{network}|{ending}|{backend}|{what}"
            results[key] = found
            print(*markdown_lines(HEADER, rows({key: found})), sep="\n")
            if given.write:
                write(results, given.folder)


if __name__ == "__main__":
    main()
