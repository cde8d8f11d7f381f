"""What does a whole map cost compared with the network alone?

    python -m benchmarks.scene_prediction
    python -m benchmarks.scene_prediction --scene scene.tif --preset my_preset

For one scene, in turns, several times:

- the model as loaded: `predict_on_batch` of the same batches of tiles, read
  beforehand;
- the bare model: the same with its faster twin, which `predict_scene` uses;
- the whole command: `predict_scene`, from the open file to the finished and
  checked Cloud-Optimised GeoTIFF.

Prints the seconds of each, the ratio of the last two with its spread, and the
peak memory of the process so far: with the model loaded, after its first
answers, and at the end. On a CPU both share its cores, so reading and writing
cannot hide behind the network as they do with an accelerator; there the
seconds of all cores together (`CPU`) tell more, and do not depend on other
programs.

Without a scene, one is made (noisy gradients, tiled and compressed). Runs on
the backend set by `KERAS_BACKEND`.
"""

import argparse
import contextlib
import functools
import os
import pathlib
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import keras_rsseg
from benchmarks.made_scenes import make_scene
from keras_rsseg.scenes.predicting.block_reader import read_batches
from keras_rsseg.scenes.predicting.run_identity import model_identity
from keras_rsseg.scenes.predicting.scene_plan import ScenePlan
from keras_rsseg.scenes.predicting.tile_predictor import call_model
from keras_rsseg.scenes.predicting.tile_predictor import even_batch_size
from keras_rsseg.scenes.predicting.tile_predictor import fast_model
from keras_rsseg.scenes.reading.ground_size import model_grid_size
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from keras_rsseg.scenes.reading.scene_reader import open_scene
from keras_rsseg.tables import markdown_table


def read_all(
    model: Any, path: str | pathlib.Path, tile_size: int, batch_size: int
) -> list[np.ndarray]:
    """Return the batches that `predict_scene` passes to the model."""
    with contextlib.ExitStack() as stack:
        dataset = stack.enter_context(open_scene(path))
        scene = SceneReader(dataset, model_bands=model.bands)
        size, grid = dataset.shape, None
        if model.ground_sample_distance is not None:
            size = model_grid_size(dataset, model.ground_sample_distance)
            if size is not None:
                grid = stack.enter_context(scene.resampled(*size))
        plan = ScenePlan(
            dataset.shape,
            size or dataset.shape,
            tile_size,
            tile_size - tile_size // 4,
            1024,
            model.num_classes,
        )
        batch_size = even_batch_size(plan.num_tiles, batch_size)
        batches = read_batches(plan, scene, grid, (), batch_size)
        return [batch.pixels for batch in batches if batch.pixels is not None]


def seconds_of(run: Callable[[], object]) -> tuple[float, float]:
    """Return elapsed seconds and those of all cores together."""
    start = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - start[0], time.process_time() - start[1]


def peak() -> float:
    """Return the peak memory of the process in megabytes."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--scene", type=pathlib.Path, help="raster; default: made here")
    add("--side", type=int, default=2048, help="pixels of a scene made here")
    add("--preset", default=keras_rsseg.DEFAULT_PRESET)
    add("--tile-size", type=int, default=512)
    add("--batch-size", type=int, default=4)
    add("--repeats", type=int, default=3)
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    model = keras_rsseg.from_preset(args.preset)
    memory = [peak()]
    with tempfile.TemporaryDirectory() as folder:
        scene = args.scene
        if scene is None:
            scene = pathlib.Path(folder) / "scene.tif"
            make_scene(scene, args.side, model.ground_sample_distance or 0.5)
        batches = read_all(model, scene, args.tile_size, args.batch_size)
        # Compile, and take its memory, before any clock runs.
        fast = fast_model(model, model_identity(model))
        for network in (model, fast):
            call_model(network, batches[0])
        memory.append(peak())

        def bare(network):
            for pixels in batches:
                call_model(network, pixels)

        def whole():
            keras_rsseg.predict_scene(
                model,
                scene,
                pathlib.Path(folder) / "map.tif",
                tile_size=args.tile_size,
                batch_size=args.batch_size,
                overwrite=True,
                progress=False,
            )

        runs = functools.partial(bare, model), functools.partial(bare, fast)
        times = [
            tuple(seconds_of(run) for run in (*runs, whole))
            for _ in range(args.repeats)
        ]
    memory.append(peak())
    report(args, batches, times, memory)


def report(
    args: argparse.Namespace,
    batches: list[np.ndarray],
    times: list[tuple[tuple[float, float], ...]],
    memory: list[float],
) -> None:
    """Print the table."""
    tiles = sum(len(pixels) for pixels in batches)
    print(
        f"{args.preset}, {tiles} tiles of {args.tile_size}, in batches of "
        f"{len(batches[0])}, keras {keras.__version__} on "
        f"{keras.backend.backend()}, {os.cpu_count()} cores, "
        f"{platform.machine()}\n"
    )
    runs = [
        (loaded[0], bare[0], whole[0], whole[0] / bare[0], whole[1] / bare[1])
        for loaded, bare, whole in times
    ]
    rows: dict[str, Any] = {
        str(number): run for number, run in enumerate(runs, 1)
    }
    for name, take in (
        ("median", statistics.median),
        ("least", min),
        ("most", max),
    ):
        rows[name] = [take(column) for column in zip(*runs, strict=True)]
    head = [
        *("run", "model as loaded s", "bare model s", "whole command s"),
        *("ratio", "CPU ratio"),
    ]
    cells = [
        [name, *(f"{part:.3f}" for part in row)] for name, row in rows.items()
    ]
    print(markdown_table(head, cells))
    names = "model loaded", "first answers", "end"
    shown = ", ".join(
        f"{name} {size:.0f}" for name, size in zip(names, memory, strict=True)
    )
    print(f"\npeak memory, MB: {shown}")


if __name__ == "__main__":
    main()
