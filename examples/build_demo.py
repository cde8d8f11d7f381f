"""The page that maps images in a browser, ready to be put on a web server.

    python -m examples.build_demo demo
    python -m http.server --directory demo

puts the page of `docs/demo`, the package's preset as an ONNX file, the sample
scene, and ONNX Runtime Web, which npm downloads, into the folder `demo`. The
page loads nothing else, and sends nothing. With `--space` the folder is a
static Space of Hugging Face, with its card:

    python -m examples.build_demo space --space
    hf upload NAME/SPACE space . --repo-type space
"""

import argparse
import json
import math
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import warnings
from collections.abc import Sequence

import rasterio
from rasterio.errors import NotGeoreferencedWarning

import keras_rsseg
from keras_rsseg.errors import ArgumentError

ROOT = pathlib.Path(__file__).parents[1]
PAGE = ROOT / "docs" / "demo"
CARD = ROOT / "examples" / "space" / "README.md"
SAMPLE = ROOT / "examples" / "data" / "harbour.tif"

RUNTIME = "onnxruntime-web@1.30.0"
RUNTIME_FILES = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
)
# A tile of 512 pixels takes browsers four times the memory.
TILE_SIZE = 256


def write_page(folder: pathlib.Path, runtime: pathlib.Path) -> None:
    """Copy the page and the runtime that it loads.

    Args:
        folder: folder of the page; created if it does not exist.
        runtime: folder that holds `RUNTIME_FILES`.
    """
    shutil.copytree(PAGE, folder, dirs_exist_ok=True)
    (folder / "ort").mkdir(exist_ok=True)
    for name in RUNTIME_FILES:
        shutil.copyfile(runtime / name, folder / "ort" / name)


def write_model(folder: pathlib.Path, path: pathlib.Path) -> None:
    """Copy an exported model, and record its facts for the page.

    Args:
        folder: folder of the page.
        path: path of an ONNX file that `keras_rsseg.export_model` wrote.

    Raises:
        ArgumentError: the file takes other tiles than those of the page.
    """
    facts = keras_rsseg.scenes.load_exported(path).facts
    size = (facts.tile_size, facts.tile_size)
    has = (facts.data_format, facts.output, facts.input_scale, facts.num_bands)
    if (
        has != ("channels_last", "logits", 1.0, 3)
        or facts.batch_size != 1
        or facts.image_size not in (size, None)
    ):
        raise ArgumentError(
            "The page needs a file that takes one RGB tile, channels-last, "
            f"and returns logits. Received: {path}, which takes "
            f"{facts.batch_size} tiles of {facts.image_size} and "
            f"{facts.num_bands} bands, {facts.data_format}, and returns "
            f"{facts.output}"
        )
    shutil.copyfile(path, folder / "model.onnx")
    (folder / "model.json").write_text(facts.to_json() + "\n")


def write_sample(folder: pathlib.Path, scene: pathlib.Path) -> None:
    """Write a scene as a picture, and its pixel size beside it.

    Args:
        folder: folder of the page.
        scene: an 8-bit RGB raster, georeferenced.
    """
    with keras_rsseg.scenes.open_scene(scene) as dataset:
        size = keras_rsseg.scenes.ground_pixel_size(dataset)
        pixels = dataset.read([1, 2, 3])
    name = f"{scene.stem}.png"
    _write_png(folder / name, pixels)
    # Not rounded to centimetres: it determines the size of the model's grid.
    facts = {"file": name, "pixel_size": round(math.sqrt(math.prod(size)), 6)}
    (folder / "sample.json").write_text(json.dumps(facts) + "\n")


def _write_png(path: pathlib.Path, pixels) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path,
            "w",
            driver="PNG",
            dtype="uint8",
            count=len(pixels),
            height=pixels.shape[1],
            width=pixels.shape[2],
        ) as picture:
            picture.write(pixels)


def fetch_runtime(folder: pathlib.Path) -> pathlib.Path:
    """Download ONNX Runtime Web with npm.

    Args:
        folder: folder for the download, some 120 MB.

    Returns:
        The folder that holds `RUNTIME_FILES`.
    """
    subprocess.run(["npm", "pack", RUNTIME, "--silent"], cwd=folder, check=True)
    (archive,) = folder.glob("onnxruntime-web-*.tgz")
    with tarfile.open(archive) as packed:
        for name in RUNTIME_FILES:
            packed.extract(f"package/dist/{name}", folder, filter="data")
    return folder / "package" / "dist"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Args:
        arguments: arguments of the command line.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument(
        "--preset",
        default=keras_rsseg.DEFAULT_PRESET,
        help="for RGB images; default: the one in the package",
    )
    parser.add_argument(
        "--model",
        type=pathlib.Path,
        help="an ONNX file exported before, in place of a preset",
    )
    parser.add_argument(
        "--runtime",
        type=pathlib.Path,
        help="folder dist of npm's onnxruntime-web; default: download with npm",
    )
    parser.add_argument("--tile-size", type=int, default=TILE_SIZE)
    parser.add_argument(
        "--space", action="store_true", help="add the card of a Space"
    )
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        write_page(given.folder, given.runtime or fetch_runtime(work))
        model = given.model
        if model is None:
            model = work / "model.onnx"
            keras_rsseg.export_model(
                keras_rsseg.from_preset(given.preset),
                model,
                given.tile_size,
                tiles=SAMPLE,
            )
        write_model(given.folder, model)
    write_sample(given.folder, SAMPLE)
    if given.space:
        shutil.copyfile(CARD, given.folder / "README.md")
    print(f"python -m http.server --directory {given.folder}")


if __name__ == "__main__":
    main()
