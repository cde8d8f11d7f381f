"""When is `upsampled_conv` faster than the convolution it replaces?

    KERAS_BACKEND=jax OMP_NUM_THREADS=1 python -m benchmarks.upsampled_conv
    python -m benchmarks.upsampled_conv --tile-sizes 896 --cases pfnet

Prints, for the networks' convolutions at some tile sizes, the time of the
plain way (resize, concatenate, convolve) and the share of it that
`upsampled_conv` takes: medians of the ratios of pairs that run in turns, with
the quartiles, once forwards and once with all gradients, compiled on
TensorFlow (in graphs, as in `fit` and `predict`) and JAX. Times are those of
all cores together, which other programs disturb less than elapsed time.

On CPUs, allocation of large tensors dominates if each is mapped and unmapped.
To avoid this, set for all backends

    MALLOC_MMAP_THRESHOLD_=4000000000 MALLOC_TRIM_THRESHOLD_=8000000000
    MALLOC_TOP_PAD_=268435456
"""

import argparse
import functools
import os
import platform
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from benchmarks.compiled import forward_and_gradients
from keras_rsseg.ops import upsampled_conv
from keras_rsseg.tables import markdown_lines

# Kernel, filters, and the channels of the maps by their strides.
CASES = {
    "pfnet fusion": (3, 256, {4: 256, 8: 256, 16: 256, 32: 256}),
    "hrnet w18 head": (1, 270, {4: 18, 8: 36, 16: 72, 32: 144}),
    "hrnet w48 head": (1, 720, {4: 48, 8: 96, 16: 192, 32: 384}),
    "ifwm region 3, stride 4": (3, 2, {4: 0, 8: 18}),
    "ifwm region 7, stride 4": (7, 2, {4: 0, 16: 18}),
    "ifwm region 15, stride 4": (15, 2, {4: 0, 32: 18}),
    "ifwm region 3, stride 8": (3, 2, {8: 0, 16: 36}),
    "ifwm region 7, stride 8": (7, 2, {8: 0, 32: 36}),
    "ifwm region 3, stride 16": (3, 2, {16: 0, 32: 72}),
    "sfnet flow": (3, 2, {4: 128, 8: 128}),
}


def tensors_of(
    case: str, tile_size: int, batch_size: int, data_format: str
) -> tuple[Any, list[Any], tuple[int, int]]:
    """Return `(kernel, maps, size)`."""
    taps, filters, channels = CASES[case]
    rng = np.random.default_rng(0)

    def tensor(*shape):
        return ops.convert_to_tensor(rng.standard_normal(shape, "float32"))

    maps = []
    for stride, n in channels.items():
        side = -(-tile_size // stride)
        if n and data_format == "channels_first":
            maps.append(tensor(batch_size, n, side, side))
        elif n:
            maps.append(tensor(batch_size, side, side, n))
    kernel = tensor(taps, taps, sum(channels.values()), filters) * 0.02
    side = -(-tile_size // min(channels))
    return kernel, maps, (side, side)


def compare(
    plain: Callable[[], None], fast: Callable[[], None], repetitions: int
) -> tuple[float, np.ndarray]:
    """Return the plain seconds and the ratio's quartiles, in turns."""
    times = np.empty((repetitions + 1, 2))
    for row in times:
        for column, run in enumerate((plain, fast)):
            begin = time.process_time()
            run()
            row[column] = time.process_time() - begin
    times = times[1:]
    ratios = times[:, 1] / times[:, 0]
    return np.median(times[:, 0]), np.quantile(ratios, (0.5, 0.25, 0.75))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--cases", nargs="+", default=[""], help="prefixes of names")
    add("--tile-sizes", type=int, nargs="+", default=[256, 512])
    add("--batch-size", type=int, default=2)
    add("--data-format", default=keras.config.image_data_format())
    add("--repetitions", type=int, default=9)
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, keras "
        f"{keras.__version__} on {keras.backend.backend()}, "
        f"{args.data_format}, batches of {args.batch_size}\n"
    )
    head = [
        *("tile", "convolution"),
        *("plain ms", "ratio", "with gradients", "ratio"),
    ]
    rows = (
        row(case, tile_size, args)
        for tile_size in args.tile_sizes
        for case in CASES
        if case.startswith(tuple(args.cases))
    )
    for line in markdown_lines(head, rows):
        print(line, flush=True)


def row(case: str, tile_size: int, args: argparse.Namespace) -> list[str]:
    """Compare both ways for one convolution, and return its cells."""
    kernel, maps, size = tensors_of(
        case, tile_size, args.batch_size, args.data_format
    )

    def call(method, kernel, *maps):
        return upsampled_conv(
            maps,
            kernel,
            size,
            align_corners=True,
            method=method,
            data_format=args.data_format,
        )

    plain, fast = (
        forward_and_gradients(functools.partial(call, method), kernel, *maps)
        for method in ("plain", "coarse")
    )
    cells = [f"{tile_size}", case]
    for pair in zip(plain, fast, strict=True):
        seconds, (middle, low, high) = compare(*pair, args.repetitions)
        cells.append(f"{1000 * seconds:.1f}")
        cells.append(f"{middle:.2f} ({low:.2f} to {high:.2f})")
    return cells


if __name__ == "__main__":
    main()
