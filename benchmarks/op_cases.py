"""Single operations, in plain PyTorch and in this package.

Each case has its input arrays (channels-last, as for a tile of `size` pixels
in PFNet or HRNet), a function of tensors for plain PyTorch (channels-first),
and one for this package.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

CASES = (
    "grid_sample",
    "adaptive_average_pool",
    "adaptive_max_pool",
    "upsampled_conv",
    "point_flow",
)
CHANNELS = 256


def arrays_of(case: str, size: int, batch_size: int) -> list[np.ndarray]:
    """Return float32 arrays; those of rank 4 are maps, except `kernel`."""
    rng = np.random.default_rng(0)

    def maps(stride, channels=CHANNELS):
        side = -(-size // stride)
        return rng.standard_normal(
            (batch_size, side, side, channels), "float32"
        )

    if case == "grid_sample":
        return [maps(8, 64), np.clip(0.5 * maps(4, 2), -1, 1)]
    if case == "adaptive_average_pool":
        return [maps(8)]
    if case == "adaptive_max_pool":
        return [maps(8, 1)]
    if case == "point_flow":
        return [np.maximum(maps(4), 0), np.maximum(maps(8), 0)]
    return [maps(stride) for stride in (4, 8, 16, 32)]


def kernel_of_fusion() -> np.ndarray:
    """Return PFNet's kernel `(3, 3, 1024, 256)`."""
    rng = np.random.default_rng(1)
    shape = 3, 3, 4 * CHANNELS, CHANNELS
    return 0.02 * rng.standard_normal(shape, "float32")


def plain_function(case: str) -> Callable[..., Any]:
    """Return PyTorch's function of channels-first tensors."""
    import torch
    from torch.nn import functional

    from benchmarks.plain_pytorch.blocks import resize
    from benchmarks.plain_pytorch.pfnet import PointFlow

    if case == "grid_sample":

        def function(maps, grid):
            grid = grid.permute(0, 2, 3, 1)
            return functional.grid_sample(maps, grid, align_corners=True)

    elif case == "adaptive_average_pool":

        def function(maps):
            return functional.adaptive_avg_pool2d(maps, 9)

    elif case == "adaptive_max_pool":

        def function(maps):
            return functional.adaptive_max_pool2d(
                maps, 14, return_indices=True
            )[0]

    elif case == "point_flow":
        module = PointFlow(CHANNELS).eval()

        def function(fine, coarse):
            return module(coarse, fine)[0]

    else:
        kernel = torch.tensor(kernel_of_fusion().transpose(3, 2, 0, 1).copy())

        def function(*levels):
            size = levels[0].shape[2:]
            levels = [levels[0], *(resize(x, size) for x in levels[1:])]
            return functional.conv2d(torch.cat(levels, 1), kernel, padding=1)

    return function


def package_function(case: str, data_format: str) -> Callable[..., Any]:
    """Return this package's function of tensors in a layout."""
    from keras import ops

    import keras_rsseg

    options = {"data_format": data_format}
    if case == "grid_sample":

        def function(maps, grid):
            if data_format == "channels_first":
                grid = ops.transpose(grid, (0, 2, 3, 1))
            return keras_rsseg.ops.grid_sample(
                maps, grid, align_corners=True, **options
            )

    elif case == "adaptive_average_pool":

        def function(maps):
            return keras_rsseg.ops.adaptive_average_pool(maps, 9, **options)

    elif case == "adaptive_max_pool":

        def function(maps):
            return keras_rsseg.ops.adaptive_max_pool(
                maps, 14, return_indices=True, **options
            )[0]

    elif case == "point_flow":
        layer = keras_rsseg.layers.PointFlow(**options)
        first = data_format == "channels_first"
        shapes = [(1, 8, 8, CHANNELS), (1, 4, 4, CHANNELS)]
        if first:
            shapes = [(n, c, h, w) for n, h, w, c in shapes]
        layer.build(*shapes)

        def function(fine, coarse):
            return layer(fine, coarse, training=False)[0]

    else:
        kernel = ops.convert_to_tensor(kernel_of_fusion())

        def function(*levels):
            return keras_rsseg.ops.upsampled_conv(
                list(levels), kernel, align_corners=True, **options
            )

    return function
