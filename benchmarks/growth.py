"""How the cost of a map grows with its scene, classes, tiles and batches.

    python -m benchmarks.growth --plot benchmarks/growth.svg
    python -m benchmarks.growth --megapixels 1 4 16 64 400 --classes 2 250
    python -m benchmarks.growth --without-network 0.1 0.4

Each point is a `predict_scene` in its own process, of a scene at the pixel
size of the preset `hrnet_ifwm_w18_land_cover`: a VRT that repeats one noisy
raster, so that scenes need not fit on disk. Whatever is not varied is fixed at
4 megapixels, 6 classes, tiles of 512 px and batches of 4. Prints seconds, the
seconds until the first answer, and the peak memory of the process. Runs on the
backend set by `KERAS_BACKEND`.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

from benchmarks.made_scenes import write_scene
from keras_rsseg.tables import markdown_table

BARE_MEGAPIXELS = 64.0
BASE = {"megapixels": 4.0, "classes": 6, "tile_size": 512, "batch_size": 4}
UNITS = {
    "megapixels": "megapixels of the scene",
    "classes": "classes",
    "tile_size": "tile side in pixels",
    "batch_size": "tiles per batch",
}


def measure(
    megapixels: float, classes: int, tile_size: int, batch_size: int
) -> dict[str, float]:
    """Map one scene in this process.

    Returns:
        `seconds` of `predict_scene`, `first`, the seconds until the first
        answer, and `megabytes`, the peak memory.
    """
    import keras_rsseg
    from benchmarks.scene_prediction import peak

    model = keras_rsseg.from_preset(
        "hrnet_ifwm_w18_land_cover", num_classes=classes
    )
    answered: list[float] = []
    fast = model.for_batches()

    class Timed:
        """The model, recording when it first answers."""

        bands, value_range = model.bands, model.value_range
        num_classes = classes

        def predict_on_batch(self, tiles: Any) -> Any:
            logits = fast.predict_on_batch(tiles)
            answered.append(time.perf_counter())
            return logits

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        scene = write_scene(folder, megapixels, 0.8)
        start = time.perf_counter()
        keras_rsseg.predict_scene(
            Timed(),
            scene,
            folder / "map.tif",
            tile_size=tile_size,
            batch_size=batch_size,
            progress=False,
        )
        seconds = time.perf_counter() - start
    first = answered[0] - start
    return {"seconds": seconds, "first": first, "megabytes": peak()}


class StandIn:
    """A model that takes hardly any time, as the preset takes tiles."""

    num_classes = 6
    bands = ("red", "green", "blue")
    value_range = (0, 255)
    ground_sample_distance = 0.8

    def __call__(self, tiles: np.ndarray) -> np.ndarray:
        logits = np.zeros((*tiles.shape[:3], self.num_classes), "float32")
        logits[..., :3] = tiles
        return logits


def measure_without_network(pixel_size: float) -> float:
    """Map a scene without a network: what reading and writing cost.

    Args:
        pixel_size: of the scene, metres.

    Returns:
        Seconds of all cores for a megapixel of the scene.
    """
    import keras_rsseg

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        scene = write_scene(folder, BARE_MEGAPIXELS, pixel_size)
        start = time.process_time()
        keras_rsseg.predict_scene(
            StandIn(), scene, folder / "map.tif", progress=False
        )
        return (time.process_time() - start) / BARE_MEGAPIXELS


def measure_apart(point: dict[str, Any]) -> dict[str, float]:
    """Measure in a separate process, which has the peak to itself."""
    command = [sys.executable, "-m", "benchmarks.growth", "--point"]
    done = subprocess.run(
        [*command, json.dumps(point)], capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def draw(found: dict[str, list[list[float]]], path: pathlib.Path) -> None:
    """Draw the measurements, with a panel for each varied quantity.

    Args:
        found: lists of value, seconds, first seconds and megabytes.
        path: path of the picture; its suffix sets the format.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        1, len(found), figsize=(3.6 * len(found), 3.2), squeeze=False
    )
    for panel, (name, rows) in zip(panels[0], found.items(), strict=True):
        values, seconds, first, megabytes = zip(*rows, strict=True)
        rest = [a - b for a, b in zip(seconds, first, strict=True)]
        panel.plot(values, rest, "o-", color="tab:blue")
        panel.set(xlabel=UNITS[name], xscale="log", yscale="log")
        panel.set_ylabel("seconds after the first answer", color="tab:blue")
        memory = panel.twinx()
        memory.plot(values, megabytes, "s--", color="tab:orange")
        memory.set_ylim(0, 1.2 * max(megabytes))
        memory.set_ylabel("peak memory, MB", color="tab:orange")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--megapixels", type=float, nargs="*", default=[1, 4, 16, 64])
    add("--classes", type=int, nargs="*", default=[2, 16, 64, 250])
    add("--tile-size", type=int, nargs="*", default=[256, 512, 1024])
    add("--batch-size", type=int, nargs="*", default=[1, 4, 16])
    add(
        "--without-network",
        type=float,
        nargs="+",
        default=[],
        help="pixel sizes in metres; measures only reading and writing",
    )
    add("--plot", type=pathlib.Path, help="picture to draw")
    add("--point", type=json.loads, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    if args.point is not None:
        print(json.dumps(measure(**args.point)))
        return
    for size in args.without_network:
        seconds = measure_without_network(size)
        print(f"{size:g} m: {seconds:.3f} core seconds per scene megapixel")
    if args.without_network:
        return
    found: dict[str, list[list[float]]] = {}
    table = []
    for name in BASE:
        for value in getattr(args, name):
            result = measure_apart({**BASE, name: value})
            row = [result[key] for key in ("seconds", "first", "megabytes")]
            found.setdefault(name, []).append([value, *row])
            cells = [f"{number:.1f}" for number in row[:2]]
            table.append([UNITS[name], f"{value:g}", *cells, f"{row[2]:.0f}"])
            print(*table[-1], file=sys.stderr, flush=True)
    header = ("varied", "value", "seconds", "first answer, s", "peak MB")
    print(markdown_table(header, table))
    if args.plot is not None and found:
        draw(found, args.plot)


if __name__ == "__main__":
    main()
