"""Convolution of resized maps, computed before they are resized."""

import itertools
from collections.abc import Sequence
from typing import Literal
from typing import TypeAlias
from typing import get_args

import keras
from keras import ops

from keras_rsseg.checks import check_choice
from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.data_format import CHANNELS_FIRST
from keras_rsseg.ops.data_format import CHANNELS_LAST
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import check_float
from keras_rsseg.ops.data_format import check_rank
from keras_rsseg.ops.data_format import first_spatial_axis
from keras_rsseg.ops.data_format import for_maps
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import is_on_cpu
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import standardize_size
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.ops.lean_graphs import constant_if_known
from keras_rsseg.ops.lean_graphs import shape_of
from keras_rsseg.ops.lean_graphs import shared
from keras_rsseg.ops.padded_conv import padded_conv
from keras_rsseg.ops.resize import bilinear_weights
from keras_rsseg.ops.resize import resize
from keras_rsseg.ops.resize import source_positions
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Size
from keras_rsseg.typing import Tensor

_Method: TypeAlias = Literal["auto", "coarse", "plain"]


def upsampled_conv(
    maps: Sequence[Tensor],
    kernel: Tensor,
    size: Size | None = None,
    align_corners: bool = False,
    bias: Tensor | None = None,
    method: _Method = "auto",
    data_format: DataFormat | None = None,
) -> Tensor:
    """Convolves maps that are resized to one size and joined; adds a bias.

    `conv(concatenate(resize(map, size) for map in maps), kernel, "same")`,
    bilinear and with stride 1, without making the resized maps. Resizing is
    linear and acts on each channel alone, so it can follow each kernel tap's
    map of the channels, which is one matrix product at the original size. What
    remains is to resize, shift by the tap and sum: one product with a matrix
    along each axis, whose rows are those of interpolation, shifted, zero
    outside.

    Args:
        maps: List of float tensors `(B, h, w, C)`, or `(B, C, h, w)` for
            channels-first. Sizes can be unknown while tracing, and any from
            1 upwards.
        kernel: Tensor `(k, k, channels of all maps, filters)`, k odd.
        size: Pair `(height, width)` of ints, or of scalar integer tensors.
            Maps of this size are convolved as they are. Defaults to the size
            of the first map.
        align_corners: As in `keras_rsseg.ops.resize`.
        bias: Tensor `(filters,)`, in the dtype of the maps, or `None`.
        method: `"coarse"`, as described, `"plain"`, as in the formula, or
            `"auto"`, whichever was found to be faster for such shapes.
        data_format: `"channels_last"`, `"channels_first"` or `None` for
            `keras.config.image_data_format()`.

    Returns:
        Tensor `(B, height, width, filters)`, or `(B, filters, height,
        width)` for channels-first, of the dtype of the maps. Half-precision
        maps are resized and summed in float32.

    Raises:
        ArgumentError: If an argument is not one of the above.
        TypeError: If the maps are not floating point.

    Example:

    ```python
    fine = np.zeros((1, 32, 24, 8), "float32")
    coarse = np.zeros((1, 8, 6, 16), "float32")
    kernel = np.zeros((3, 3, 24, 4), "float32")
    x = keras_rsseg.ops.upsampled_conv([fine, coarse], kernel)
    x.shape  # (1, 32, 24, 4)
    ```
    """
    data_format = standardize_data_format(data_format)
    maps = [ops.convert_to_tensor(x) for x in maps]
    kernel = ops.convert_to_tensor(kernel)
    _check(maps, kernel, method, data_format)
    if size is None:
        size = spatial_size(maps[0], data_format)
        fine = [True] + [_has_size(x, size, data_format) for x in maps[1:]]
    else:
        size = standardize_size("size", size)
        fine = [_has_size(x, size, data_format) for x in maps]
    if method == "auto":
        pays = _coarse_pays(maps, kernel, size, fine, data_format)
        method = "coarse" if pays else "plain"
    if method == "plain" or all(fine):
        joined = _resized(maps, size, fine, align_corners, data_format)
        return _conv(joined, kernel, bias, data_format)
    layout = data_format
    if _lie_channels_last(maps, kernel, data_format):
        layout = CHANNELS_LAST
        maps = [to_channels_last(x, data_format) for x in maps]
    x = _coarse(maps, kernel, bias, size, fine, align_corners, layout)
    return x if layout == data_format else from_channels_last(x, data_format)


def _lie_channels_last(maps, kernel, data_format):
    """Whether channels-first maps are best taken for channels-last on torch.

    If that is how they lie in memory: nothing is copied then. Except for few
    filters, which make thin products along rows.
    """
    if (
        keras.backend.backend() != "torch"
        or data_format == CHANNELS_LAST
        or kernel.shape[3] < 16
    ):
        return False
    import torch

    return any(
        x.is_contiguous(memory_format=torch.channels_last)
        and not x.is_contiguous()
        for x in maps
    )


def _check(maps, kernel, method, data_format):
    if not maps:
        raise ArgumentError("`maps` must hold at least one map. Received: none")
    check_rank("kernel", kernel, 4, "(k, k, channels, filters)")
    if kernel.shape[0] != kernel.shape[1] or kernel.shape[0] % 2 == 0:
        raise ArgumentError(
            "`kernel` must be square with an odd size. Received: "
            f"kernel.shape={tuple(kernel.shape)}"
        )
    check_choice("method", method, get_args(_Method))
    for x in maps:
        check_rank("maps", x, 4, "(B, H, W, C) or (B, C, H, W)")
        check_float("maps", x)
    channels = [x.shape[channel_axis(data_format)] for x in maps]
    if sum(channels) != kernel.shape[2]:
        raise ArgumentError(
            "`kernel` must have as many input channels as all maps together. "
            f"Received: kernel.shape={tuple(kernel.shape)} and maps of "
            f"{channels} channels"
        )


def _has_size(x, size, data_format):
    """Whether a map is known to have this size."""
    own = _known_size(x, data_format)
    known = all(isinstance(n, int) for n in (*own, *size))
    return known and tuple(own) == tuple(size)


def _known_size(x, data_format):
    """Height and width as far as known, without adding operations."""
    if keras.backend.backend() == "torch":
        return spatial_size(x, data_format)
    first = first_spatial_axis(data_format)
    return tuple(x.shape[first : first + 2])


def _coarse_pays(maps, kernel, size, fine, data_format):
    """Whether `"coarse"` takes fewer products; not measured on accelerators.

    The matrices along the axes are dense, so their share grows with the side
    of the map. Unknown sizes are taken to be small. On torch, whose own
    resize takes a fraction of the products with matrices, kernels of size 1
    gain nothing forwards.
    """
    taps = kernel.shape[0]
    if not is_on_cpu(maps[0]) or (taps == 1 and _is_torch_forward()):
        return False
    height, width = size
    products = {"coarse": 0, "plain": 0}
    for x, is_fine in zip(maps, fine, strict=True):
        own_height, own_width = _known_size(x, data_format)
        lengths = (height, width, own_height, own_width)
        if is_fine:
            continue
        if not all(isinstance(length, int) for length in lengths):
            return True
        channels = x.shape[channel_axis(data_format)]
        area = own_height * own_width
        # Each of them for all filters.
        products["plain"] += taps**2 * height * width * channels
        products["coarse"] += taps**2 * area * (channels + height)
        products["coarse"] += taps * height * width * own_width
    return products["coarse"] < products["plain"]


def _is_torch_forward():
    if keras.backend.backend() != "torch":
        return False
    import torch

    return not torch.is_grad_enabled()


def _resized(maps, size, fine, align_corners, data_format):
    """The maps, resized and joined."""
    resized = [
        x
        if is_fine
        else resize(
            x, size, align_corners=align_corners, data_format=data_format
        )
        for x, is_fine in zip(maps, fine, strict=True)
    ]
    return _join(resized, channel_axis(data_format))


def _coarse(maps, kernel, bias, size, fine, align_corners, data_format):
    kernels = _kernel_of_each(maps, kernel, data_format)
    coarse = [
        ops.cast(tensor, "float32")
        for x, part, is_fine in zip(maps, kernels, fine, strict=True)
        if not is_fine
        for tensor in (x, part)
    ]
    last = data_format == CHANNELS_LAST
    sum_coarse = _sum_last if last else _sum_first
    result = sum_coarse(*size, align_corners, *coarse)
    for x, part, is_fine in zip(maps, kernels, fine, strict=True):
        if is_fine:
            convolved = _conv(x, part, bias, data_format)
            result = result + ops.cast(convolved, "float32")
            bias = None
    if bias is not None:
        result = result + for_maps(ops.cast(bias, "float32"), data_format)
    return ops.cast(result, maps[0].dtype)


def _kernel_of_each(maps, kernel, data_format):
    channels = [x.shape[channel_axis(data_format)] for x in maps]
    ends = list(itertools.accumulate(channels))[:-1]
    return ops.split(kernel, ends, axis=2) if ends else [kernel]


def _conv(x, kernel, bias, data_format):
    padding = kernel.shape[0] // 2
    return padded_conv(
        x, kernel, bias, padding=padding, data_format=data_format
    )


@shared
def _sum_last(height, width, align_corners, *maps_and_kernels):
    """Channels-last: along each row, map by map, then along all columns."""
    stripes, matrices = [], []
    for x, kernel in _pairs(maps_and_kernels):
        batch, own_height, own_width, channels = shape_of(x)
        taps, _, _, filters = kernel.shape
        # A tap's shift along the row next to the pixel, to be summed with it.
        kernel = ops.transpose(kernel, (2, 1, 0, 3))
        kernel = ops.reshape(kernel, (1, 1, channels, -1))
        x = _conv(x, kernel, None, CHANNELS_LAST)
        x = ops.reshape(
            x, (batch * own_height, own_width * taps, taps * filters)
        )
        along_row = _shifts(width, own_width, taps, align_corners, False)
        x = ops.matmul(along_row, x)
        x = ops.reshape(x, (batch, own_height, width, taps, filters))
        # Taps beside rows. (LiteRT mistakes an `unstack` here.)
        x = ops.transpose(x, (0, 3, 1, 2, 4))
        stripes.append(
            ops.reshape(x, (batch, taps * own_height, width * filters))
        )
        matrices.append(_shifts(height, own_height, taps, align_corners, True))
    x = ops.matmul(_join(matrices, axis=1), _join(stripes, axis=1))
    return ops.reshape(x, (batch, height, width, filters))


@shared
def _sum_first(height, width, align_corners, *maps_and_kernels):
    """Channels-first: along each column, map by map, then along all rows."""
    stripes, matrices = [], []
    for x, kernel in _pairs(maps_and_kernels):
        batch, channels, own_height, own_width = shape_of(x)
        taps, _, _, filters = kernel.shape
        # As a convolution of one pixel: torch's product of a matrix with a
        # batch of matrices copies the latter, and so does its gradient.
        kernel = ops.transpose(kernel, (2, 1, 3, 0))
        kernel = ops.reshape(kernel, (1, 1, channels, -1))
        x = _conv(x, kernel, None, CHANNELS_FIRST)
        x = ops.reshape(
            x, (batch * taps * filters, taps * own_height, own_width)
        )
        along_column = _shifts(height, own_height, taps, align_corners, True)
        x = ops.matmul(along_column, x)
        x = ops.reshape(x, (batch, taps, filters, height, own_width))
        x = ops.transpose(x, (0, 2, 3, 1, 4))
        stripes.append(
            ops.reshape(x, (batch * filters * height, taps * own_width))
        )
        matrices.append(_shifts(width, own_width, taps, align_corners, True))
    x = _join(stripes, axis=1)
    x = ops.matmul(x, ops.transpose(_join(matrices, axis=1)))
    return ops.reshape(x, (batch, filters, height, width))


def _pairs(tensors):
    return zip(tensors[::2], tensors[1::2], strict=True)


def _join(parts, axis):
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis)


@constant_if_known
def _shifts(output_length, input_length, taps, align_corners, taps_first):
    """An axis resized, then shifted by each tap: `(out, taps * in)`.

    With `taps_first=False` it is `(out, in * taps)`. (Making it takes as long
    as a small convolution on torch.)
    """
    pixels = ops.arange(output_length)[:, None] + (ops.arange(taps) - taps // 2)
    positions = source_positions(
        ops.cast(pixels, "float32"), output_length, input_length, align_corners
    )
    inside = ops.logical_and(pixels >= 0, pixels < output_length)
    # No pixel is near enough to it to have a weight.
    positions = ops.where(inside, positions, -2.0)
    sources = ops.cast(ops.arange(input_length), "float32")
    if taps_first:
        weights = bilinear_weights(positions[:, :, None] - sources)
    else:
        weights = bilinear_weights(positions[:, None] - sources[:, None])
    return ops.reshape(weights, (output_length, taps * input_length))
