"""What does a map cost without a framework, compared with Keras?

    keras-rsseg export --output model.onnx --tile-size 256
    python -m benchmarks.light_prediction examples/data/harbour.tif \
        --models default model.onnx --python python light/bin/python

maps a scene with `keras-rsseg predict`, once with the default preset, on
Keras, and with each exported file, in separate processes, in turns. Prints the
median seconds from start to finished map, those of all cores together (`CPU`),
which do not depend on other programs, the peak memory, and the share of pixels
whose class differs from the first model's map. `--python` names the
interpreter of each model, such as one in an environment without a framework;
the table also has the size of its packages on disk.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import rasterio

from keras_rsseg.tables import markdown_table

HEADER = (
    "model",
    "seconds",
    "CPU s",
    "peak MB",
    "packages MB",
    "other pixels",
)
DEFAULT = "default"
ROOT = pathlib.Path(__file__).parents[1]


class Cost(NamedTuple):
    """The cost of one run.

    Attributes:
        seconds: from start to finished map.
        cpu: seconds of all cores together.
        memory: peak memory of the process, bytes.
    """

    seconds: float
    cpu: float
    memory: int


# A process starts with the memory of the one it was forked from, and the system
# reports the peak of both: this one is small.
_LAUNCHER = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if done.returncode:
    sys.exit(done.stderr + done.stdout)
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


def run(command: Sequence[str]) -> Cost:
    """Run a command, and return its cost.

    Args:
        command: the command with its arguments.

    Raises:
        RuntimeError: it failed.
    """
    done = subprocess.run(
        [sys.executable, "-S", "-c", _LAUNCHER, *command],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.fspath(ROOT)},
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    seconds, cpu, memory = json.loads(done.stdout)
    # Kibibytes on Linux, bytes on macOS.
    return Cost(
        seconds, cpu, memory if sys.platform == "darwin" else memory * 1024
    )


def predict_command(
    python: str, scene: pathlib.Path, model: str, tile_size: int, output: str
) -> list[str]:
    """Return the command that maps a scene.

    Args:
        python: the interpreter.
        scene: path of the raster.
        model: `"default"`, or an argument of `--preset`.
        tile_size: length of a tile in pixels.
        output: path of the map.
    """
    preset = [] if model == DEFAULT else ["--preset", model]
    return [
        *(python, "-m", "keras_rsseg.cli", "predict", os.fspath(scene)),
        *(*preset, "--tile-size", str(tile_size), "--output", output),
        *("--overwrite", "--quiet"),
    ]


def packages_size(python: str) -> int:
    """Return the size of an environment's packages in bytes.

    Args:
        python: its interpreter.
    """
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True
    )
    folder = pathlib.Path(done.stdout.strip())
    return sum(
        path.stat().st_size for path in folder.rglob("*") if path.is_file()
    )


def measure(
    scene: pathlib.Path,
    models: Sequence[str],
    pythons: Sequence[str],
    tile_size: int,
    rounds: int,
) -> list[list[str]]:
    """Return the rows of the table.

    Args:
        scene: path of the raster.
        models: the model of each row.
        pythons: the interpreter of each model.
        tile_size: length of a tile in pixels.
        rounds: how often to run each.
    """
    costs: list[list[Cost]] = [[] for _ in models]
    maps = []
    with tempfile.TemporaryDirectory() as folder:
        outputs = [
            os.path.join(folder, f"{index}.tif") for index in range(len(models))
        ]
        commands = [
            predict_command(python, scene, model, tile_size, output)
            for python, model, output in zip(
                pythons, models, outputs, strict=True
            )
        ]
        for _ in range(rounds):
            for command, taken in zip(commands, costs, strict=True):
                taken.append(run(command))
        for output in outputs:
            with rasterio.open(output) as written:
                maps.append(written.read(1))
    return [
        [
            f"`{pathlib.Path(model).name}`",
            f"{statistics.median(cost.seconds for cost in taken):.1f}",
            f"{statistics.median(cost.cpu for cost in taken):.1f}",
            f"{max(cost.memory for cost in taken) / 1e6:.0f}",
            f"{packages_size(python) / 1e6:.0f}",
            f"{np.mean(found != maps[0]):.2e}",
        ]
        for model, python, taken, found in zip(
            models, pythons, costs, maps, strict=True
        )
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Args:
        arguments: arguments of the command line.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scene", type=pathlib.Path)
    parser.add_argument("--models", nargs="+", default=[DEFAULT])
    parser.add_argument(
        "--python",
        nargs="+",
        default=[],
        help="interpreter of each model; default: this one",
    )
    parser.add_argument("--tile-size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    missing = len(given.models) - len(given.python)
    if missing < 0:
        parser.error("--python names more interpreters than --models models")
    pythons = [*given.python, *[sys.executable] * missing]
    rows = measure(
        given.scene, given.models, pythons, given.tile_size, given.rounds
    )
    print(markdown_table(HEADER, rows))


if __name__ == "__main__":
    main()
