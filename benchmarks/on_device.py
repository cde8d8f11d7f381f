"""How fast is it on an accelerator? One run of some minutes, one table.

    python -m benchmarks.on_device
    python -m benchmarks.on_device --networks hrnet_w18:64 --scene-side 0

Times forward passes and training steps of PFNet-R50 at 896 and HRNet-W18-IFWM
at 512 pixels, in bfloat16, on JAX and torch, in turns with the same networks
in plain PyTorch (autocast, channels-last, `torch.compile`), see
`benchmarks.against_pytorch`; then `predict_scene` on each backend, see
`benchmarks.scene_prediction`. Trials that cannot begin within the given
seconds are skipped and listed. Prints a table with the device and its memory;
without an accelerator the CPU is measured.
"""

import argparse
import os
import subprocess
import sys
import time
from typing import NamedTuple

from benchmarks.against_pytorch import cells_of
from benchmarks.against_pytorch import contest
from benchmarks.contenders import NUM_CLASSES
from keras_rsseg.tables import markdown_table

NETWORKS = ("pfnet_r50:896", "hrnet_w18_ifwm:512")
CONTENDERS = (
    "pytorch channels_last",
    "pytorch compiled channels_last",
    "torch",
    "jax",
)
HEAD = ("", "seconds", "ratio (quartiles)", "first run s", "peak MB")


class Trial(NamedTuple):
    """A network, a tile size, and the work to time."""

    network: str
    size: int
    work: str
    batch_size: int

    def __str__(self) -> str:
        tiles = f"{self.batch_size} x {self.size} px"
        return f"{self.network}, {self.work}, {tiles}"


def trials_of(networks: list[str], batch_size: int) -> list[Trial]:
    """Return the trials of networks, given as `name:size`."""
    trials = []
    for word in networks:
        name, _, size = word.partition(":")
        if name not in NUM_CLASSES or not size.isdigit():
            raise SystemExit(
                f"--networks: NAME:SIZE, of {', '.join(NUM_CLASSES)}. "
                f"Received: {word}"
            )
        for work in ("forward", "step"):
            trials.append(Trial(name, int(size), work, batch_size))
    return trials


def device() -> str:
    """Return the name of the accelerator, or of the CPU."""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        told = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return f"{os.cpu_count()} CPU cores"
    return told.stdout.strip() or f"{os.cpu_count()} CPU cores"


def rows_of(trial: Trial, args: argparse.Namespace) -> list[list[str]]:
    """Time a trial, and return the rows of its contenders."""
    told = {
        "case": trial.network,
        "work": trial.work,
        "size": trial.size,
        "batch_size": trial.batch_size,
        "precision": args.precision,
        "threads": os.cpu_count(),
    }
    results = contest(args.contenders, told, args.rounds)
    plain = [r[1] for n, r in results.items() if r and n.startswith("pytorch")]
    if not plain:
        return [[f"{trial}: no plain PyTorch ran", *[""] * 4]]
    fastest = min(plain, key=lambda seconds: sorted(seconds)[len(seconds) // 2])
    return [
        [f"{trial}: {name}", *cells_of(result, fastest)]
        for name, result in results.items()
    ]


def scene_lines(backend: str, side: int) -> str:
    """Return the output of `benchmarks.scene_prediction` on a backend."""
    words = ["--side", str(side), "--repeats", "2"]
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.scene_prediction", *words],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    return told.stdout if told.returncode == 0 else told.stderr[-400:]


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--networks", nargs="+", default=NETWORKS, metavar="NAME:SIZE")
    add("--contenders", nargs="+", default=CONTENDERS)
    add("--batch-size", type=int, default=4, help="tiles")
    add("--precision", default="mixed_bfloat16")
    add("--rounds", type=int, default=7)
    add("--scene-side", type=int, default=4096, help="pixels; 0 for no scene")
    add("--seconds", type=float, default=480, help="in which trials begin")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> None:
    """Print the table."""
    args = parse_arguments(words)
    # All contenders share the device: none must take all of its memory.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    begin = time.monotonic()
    rows, left = [], []
    for trial in trials_of(args.networks, args.batch_size):
        if time.monotonic() - begin < args.seconds:
            rows += rows_of(trial, args)
        else:
            left.append(str(trial))
    print(f"{device()}, {args.precision}\n")
    print(markdown_table(HEAD, rows))
    for backend in ("jax", "torch") if args.scene_side else ():
        if time.monotonic() - begin < args.seconds:
            print(f"\n{scene_lines(backend, args.scene_side)}")
        else:
            left.append(f"predict_scene on {backend}")
    if left:
        print(f"\nNot begun within {args.seconds:g} s: {'; '.join(left)}")


if __name__ == "__main__":
    main()
