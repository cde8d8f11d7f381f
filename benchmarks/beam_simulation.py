"""How long does a large area take on several machines, some of which fail?

    python -m benchmarks.beam_simulation
    python -m benchmarks.beam_simulation --workers 1 2 4 8 --failures 0 0.05

Maps an area of many scenes by `keras_rsseg.beam.run_scenes`, on Beam's own
runner with several processes. All is real but the network: a stand-in waits as
long as the measured network takes, `--speedup` times less, and now and then
fails as a machine that is lost does, at moments drawn at random. Failed scenes
are run again, as a user would, until all maps are done.

Prints how often the pipeline ran, its seconds, the share of these that the
workers spent in the network, the share of tiles that were predicted more than
once, and what an area of `--area` km2 would take at that efficiency. Needs
`pip install ".[beam]"`.
"""

import argparse
import functools
import os
import pathlib
import tempfile
import time
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np
from apache_beam.options.pipeline_options import PipelineOptions

from benchmarks.made_scenes import make_scene
from keras_rsseg import beam
from keras_rsseg.data.tiling import tile_starts
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes import list_scenes
from keras_rsseg.tables import markdown_lines

CLASSES = 6
HEADER = (
    "workers",
    "calls that fail",
    "pipelines run",
    "seconds",
    "in the network",
    "predicted twice",
    "area, hours",
)


class StandIn:
    """A model that takes the network's time and may fail.

    Args:
        seconds: a megapixel.
        failures: share of the calls that fail.
        journal: file to which each answered call adds its tiles.
    """

    num_classes = CLASSES

    def __init__(
        self, seconds: float, failures: float, journal: pathlib.Path
    ) -> None:
        self._seconds = seconds
        self._failures = failures
        self._journal = journal
        # Of this process: forks must not draw alike.
        self._rng = np.random.default_rng()

    def __call__(self, tiles: np.ndarray) -> np.ndarray:
        megapixels = np.prod(tiles.shape[:3]) / 1e6
        time.sleep(megapixels * self._seconds)
        if self._rng.random() < self._failures:
            raise ConnectionError("the machine was lost (simulated)")
        # One write, to the end: processes do not mix theirs.
        file = os.open(self._journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, b"." * len(tiles))
        os.close(file)
        return np.zeros((*tiles.shape[:3], CLASSES), "float32")


def make_area(folder: pathlib.Path, scenes: int, side: int) -> list[str]:
    """Write the scenes of an area and return their paths."""
    folder.mkdir()
    first = folder / "000.tif"
    make_scene(first, side, 0.8)
    paths = [folder / f"{number:03d}.tif" for number in range(scenes)]
    for path in paths[1:]:
        path.write_bytes(first.read_bytes())
    return [str(path) for path in paths]


def run_until_done(
    load_model: Callable[[], Any],
    scenes: Sequence[str],
    folder: pathlib.Path,
    workers: int,
    tile_size: int,
    unit_blocks: int = 8,
) -> tuple[int, float]:
    """Run the pipeline until no scene fails.

    Returns:
        How often it ran, and the seconds of all runs.
    """
    runner = PipelineOptions(
        runner="DirectRunner",
        direct_num_workers=workers,
        direct_running_mode="multi_processing",
    )
    jobs = list_scenes(scenes, folder / "maps")
    start = time.perf_counter()
    for count in range(1, 100):
        report = beam.run_scenes(
            load_model,
            jobs,
            folder / "report.csv",
            runner,
            tile_size=tile_size,
            unit_blocks=unit_blocks,
        )
        if not report.bad:
            return count, time.perf_counter() - start
    raise RuntimeError("scenes still fail after 99 runs")


def measure(
    workers: int, failures: float, args: argparse.Namespace
) -> list[str]:
    """Return the row of one number of workers and one rate of failures."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        scenes = make_area(folder / "scenes", args.scenes, args.side)
        journal = folder / "journal"
        seconds = args.seconds_a_megapixel / args.speedup
        load = functools.partial(StandIn, seconds, failures, journal)
        count, spent = run_until_done(
            *(load, scenes, folder, workers),
            *(args.tile_size, args.unit_blocks),
        )
        tiles = journal.stat().st_size
    needed = args.scenes * tiles_of(args.side, args.tile_size)
    network = tiles * args.tile_size**2 / 1e6 * seconds
    share = network / (spent * workers)
    pixels = args.area * 1e6 / args.pixel_size**2 / 1e6
    overlap = needed * args.tile_size**2 / (args.scenes * args.side**2)
    hours = pixels * overlap * args.seconds_a_megapixel / 3600
    hours *= tiles / needed / share / workers
    return [
        str(workers),
        f"{failures:.0%}",
        str(count),
        f"{spent:.0f}",
        f"{share:.0%}",
        f"{tiles / needed - 1:.1%}",
        f"{hours:.1f}",
    ]


def tiles_of(side: int, tile_size: int) -> int:
    """Return how many tiles a scene has, with the overlap of `predict_scene`.

    Args:
        side: pixels of the scene, which is square.
        tile_size: pixels a side of a tile.
    """
    starts = tile_starts(
        side, tile_size, SceneOptions(tile_size=tile_size).stride
    )
    return len(starts) ** 2


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    add("--failures", type=float, nargs="+", default=[0.0, 0.01])
    add("--scenes", type=int, default=32)
    add("--side", type=int, default=2048, help="pixels of a scene")
    add("--tile-size", type=int, default=512)
    add("--unit-blocks", type=int, default=8, help="strips of a unit")
    add("--seconds-a-megapixel", type=float, default=1.0, help="of tiles")
    add("--speedup", type=float, default=10.0)
    add("--area", type=float, default=10_000, help="km2")
    add("--pixel-size", type=float, default=0.8, help="metres")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    rows = []
    for failures in args.failures:
        for workers in args.workers:
            rows.append(measure(workers, failures, args))
            print(*rows[-1], flush=True)
    print("\n".join(markdown_lines(HEADER, rows)))


if __name__ == "__main__":
    main()
