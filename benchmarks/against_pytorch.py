"""How fast is the package compared with the same networks in plain PyTorch?

    python -m benchmarks.against_pytorch
    python -m benchmarks.against_pytorch --cases hrnet_w18 hrnet_w18_ifwm
    python -m benchmarks.against_pytorch --work step --sizes 256 --batch-size 2
    python -m benchmarks.against_pytorch --cases grid_sample point_flow

Contenders: the networks of `benchmarks.plain_pytorch` as they are, in
`channels_last`, compiled by `torch.compile`, and both; and those of this
package on its three backends, as `optimize_for_inference` makes them and
`predict_on_batch` and `train_on_batch` run them. Each has its own process.
They run in turns, one at a time, so that a slowdown of the machine affects all
of them. Single operations, see `benchmarks.op_cases`, are compared in the same
way; with `step`, all their gradients are taken.

Prints the median seconds, their ratio to the fastest plain mode of the same
turn (median and quartiles), the seconds of the first run with all
compilation, peak memory, and how much the networks compute.

On CPUs, allocation of large tensors dominates if each is mapped and unmapped.
To avoid this, all contenders get the same allocator settings, see `ALLOCATOR`.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.contenders import BACKENDS
from benchmarks.contenders import NUM_CLASSES
from benchmarks.contenders import PLAIN_MODES
from benchmarks.op_cases import CASES
from keras_rsseg.tables import markdown_lines

# Seconds of the first run, seconds of the others, peak memory in MB.
Result = tuple[float, np.ndarray, float]
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "16000000000",
    "MALLOC_TRIM_THRESHOLD_": "32000000000",
    # A thread's own arena would map large tensors all the same.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TOP_PAD_": "268435456",
}


class Contender:
    """A process that runs on demand.

    Args:
        name: one of `PLAIN_MODES` or `BACKENDS`.
        told: dict, its task.
    """

    def __init__(self, name: str, told: dict[str, Any]) -> None:
        self.name = name
        environment = {
            **os.environ,
            **ALLOCATOR,
            "KERAS_BACKEND": name if name in BACKENDS else "torch",
            "OMP_NUM_THREADS": str(told["threads"]),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        told = json.dumps({"contender": name, **told})
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contenders", told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        self.facts = self._read()

    def _read(self) -> dict[str, float] | None:
        for line in self._process.stdout:
            if line.startswith("\x1e"):
                return json.loads(line[1:])
        self._process.communicate()  # It failed.
        return None

    def run(self) -> float:
        """Run once and return the seconds."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()["seconds"]

    def stop(self) -> float:
        """Stop and return the peak memory in MB."""
        self._process.stdin.close()
        with self._process:
            facts = self._read()
        return facts["peak"]


def contest(
    names: Sequence[str], told: dict[str, Any], rounds: int
) -> dict[str, Result | None]:
    """Run all contenders in turns.

    Returns:
        dict from name to `(first, seconds, peak)`, with `seconds` of every
        round; `None` for one that failed.
    """
    contenders = [Contender(name, told) for name in names]
    able = [c for c in contenders if c.facts is not None]
    seconds = {c.name: [] for c in able}
    for turn in range(rounds + 1 if able else 0):
        for contender in able[turn % len(able) :] + able[: turn % len(able)]:
            spent = contender.run()
            if turn:  # The first warms up what the first run has not.
                seconds[contender.name].append(spent)
    results: dict[str, Result | None] = dict.fromkeys(names)
    for c in able:
        results[c.name] = (
            c.facts["first"],
            np.array(seconds[c.name]),
            c.stop(),
        )
    return results


def cells_of(result: Result | None, yardstick: np.ndarray) -> list[str]:
    """Return the cells of a contender, relative to the seconds of another."""
    if result is None:
        return ["failed", "", "", ""]
    first, seconds, peak = result
    low, middle, high = np.quantile(seconds / yardstick, (0.25, 0.5, 0.75))
    return [
        f"{np.median(seconds):.4f}",
        f"{middle:.2f} ({low:.2f} to {high:.2f})",
        f"{first:.1f}",
        f"{peak:.0f}",
    ]


def print_table(results: dict[str, Result | None]) -> None:
    """Print a row for each contender."""
    plain = {n: r[1] for n, r in results.items() if r and n in PLAIN_MODES}
    fastest = min(plain, key=lambda name: statistics.median(plain[name]))
    head = ["", "seconds", "ratio (quartiles)", "first run s", "peak MB"]
    rows = [
        [name, *cells_of(result, plain[fastest])]
        for name, result in results.items()
    ]
    print("\n".join(markdown_lines(head, rows)))
    print(f"\n1.00 is the fastest plain mode, {fastest}.\n", flush=True)


def print_size(case: str, size: int) -> None:
    """Print the networks' sizes, and how much this package computes."""
    os.environ["KERAS_BACKEND"] = "torch"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from benchmarks.contenders import package_network
    from benchmarks.count_macs import count_macs
    from benchmarks.count_macs import count_parameters

    model = package_network(case)
    print(
        f"{count_parameters(model):,} parameters, "
        f"{count_macs(model, size) / 1e9:.1f} GMACs per tile in this package\n"
    )


def parse_arguments() -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--cases",
        nargs="+",
        choices=(*NUM_CLASSES, *CASES),
        default=["pfnet_r50"],
    )
    add("--work", choices=("forward", "step"), default="forward")
    add("--sizes", type=int, nargs="+", default=[512])
    add("--batch-size", type=int, default=1)
    add("--precision", default="float32", help="or mixed_bfloat16")
    add("--rounds", type=int, default=11)
    add("--threads", type=int, default=os.cpu_count())
    add("--contenders", nargs="+", default=[*PLAIN_MODES, *BACKENDS])
    return parser.parse_args()


def main() -> None:
    """Print a table for every case and size."""
    args = parse_arguments()
    print(
        f"    python -m benchmarks.against_pytorch {' '.join(sys.argv[1:])}\n"
    )
    print(f"{args.threads} threads of {os.cpu_count()}, {platform.machine()}\n")
    for case in args.cases:
        for size in args.sizes:
            print(
                f"## {case}, {args.work}, {args.batch_size} x {size} px, "
                f"{args.precision}\n"
            )
            if case in NUM_CLASSES:
                print_size(case, size)
            told = {
                "case": case,
                "work": args.work,
                "size": size,
                "batch_size": args.batch_size,
                "precision": args.precision,
                "threads": args.threads,
            }
            print_table(contest(args.contenders, told, args.rounds))


if __name__ == "__main__":
    main()
