"""How many multiply-adds does a network cost?

    python -m benchmarks.count_macs hrnet_w18_dubai my_preset --size 512

prints parameters and GMACs (billions of multiply-adds) of presets for one
tile. Convolutions and matrix products are counted, including attention and
PointFlow's affinities, as they are run: the network is traced, not estimated
from its layers. As in papers, interpolation and pooling (some backends compute
them as matrix products), biases, batch norm and activations are not counted.
"""

import argparse
import contextlib
import math
import sys
from collections.abc import Iterator
from collections.abc import Sequence

import keras

import keras_rsseg
from keras_rsseg.tables import markdown_lines

# They interpolate and average with matrix products on some backends.
_NOT_COUNTED = ("keras_rsseg.ops.resize", "keras_rsseg.ops.adaptive_pool")


def count_macs(
    model: keras.Model, height: int = 512, width: int | None = None
) -> int:
    """Count the multiply-adds of a network for one tile.

    Args:
        model: a functional Keras model of one image input, such as a
            `keras_rsseg.models.Segmenter` or an encoder. Its weights
            do not matter.
        height: int, pixels, if the model leaves it open.
        width: int, pixels, likewise; defaults to `height`.

    Returns:
        int, the multiply-adds of convolutions and matrix products.

    Example:

    ```python
    model = keras_rsseg.from_preset("hrnet_ifwm_w18_land_cover")
    count_macs(model) / 1e9  # 18.3 (GMACs)
    ```
    """
    shape = _sized(model.input_shape[1:], height, width or height)
    tile = keras.KerasTensor((1, *shape), dtype=model.input.dtype)
    with _counting() as counts:

        def run(tile):
            # Keras tries again with numbers if torch lacks a shape-only
            # operation.
            counts.clear()
            return model.call(tile, training=False)

        # Inside, layers get tensors of the backend that only have a shape.
        keras.src.backend.compute_output_spec(run, tile)
    return sum(counts)


def count_parameters(model: keras.Model) -> int:
    """Count as in papers: without the moving statistics of batch norm."""
    return sum(math.prod(v.shape) for v in model.trainable_variables)


def _sized(shape: Sequence[int | None], *sizes: int) -> tuple[int, ...]:
    """Return the shape of an input with its unknown sizes filled in."""
    sizes = iter(sizes)
    return tuple(next(sizes) if size is None else size for size in shape)


@contextlib.contextmanager
def _counting() -> Iterator[list[int]]:
    """Yield a list to which every product adds its multiply-adds."""
    counts, running = [], []

    def counted(function, count):
        def run(*args, **kwargs):
            # A backend can compute one with another.
            outermost = not running
            running.append(function)
            try:
                result = function(*args, **kwargs)
            finally:
                running.pop()
            if outermost and not _is_interpolation():
                counts.append(count(result, *args, **kwargs))
            return result

        return run

    backend = keras.src.backend
    modules = [(backend.nn, _CONVOLUTIONS), (backend.numpy, _PRODUCTS)]
    if keras.backend.backend() == "torch":
        import torch

        modules.append((torch.nn.functional, {"conv2d": _torch_conv}))
    with contextlib.ExitStack() as stack:
        for module, counters in modules:
            for name, count in counters.items():
                function = getattr(module, name)
                stack.callback(setattr, module, name, function)
                setattr(module, name, counted(function, count))
        yield counts


def _is_interpolation() -> bool:
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_globals.get("__name__") in _NOT_COUNTED:
            return True
        frame = frame.f_back
    return False


def _conv(result, inputs, kernel, *args, **kwargs):
    # Kernel (height, width, channels in, channels out).
    return math.prod(result.shape) * math.prod(kernel.shape[:-1])


def _torch_conv(result, inputs, kernel, *args, **kwargs):
    # Kernel (channels out, channels in, height, width).
    return math.prod(result.shape) * math.prod(kernel.shape[1:])


def _depthwise(result, inputs, kernel, *args, **kwargs):
    return math.prod(result.shape) * math.prod(kernel.shape[:-2])


def _separable(result, inputs, depthwise, pointwise, *args, **kwargs):
    middle = depthwise.shape[-1] * depthwise.shape[-2]
    positions = math.prod(result.shape) // pointwise.shape[-1]
    taps = math.prod(depthwise.shape[:-2])
    return positions * middle * (taps + pointwise.shape[-1])


def _transposed(result, inputs, kernel, *args, **kwargs):
    # Kernel (height, width, channels out, channels in): all of it for every
    # input pixel.
    return math.prod(inputs.shape) * math.prod(kernel.shape[:-1])


def _matmul(result, x1, x2):
    return math.prod(result.shape) * x1.shape[-1]


def _tensordot(result, x1, x2, axes=2):
    """The sizes of all axes, counting summed axes once."""
    summed = math.prod(x1.shape) * math.prod(x2.shape)
    return math.isqrt(summed * math.prod(result.shape))


def _einsum(result, subscripts, *operands, **kwargs):
    if len(operands) == 1:
        return 0
    terms = subscripts.replace(" ", "").partition("->")[0].split(",")
    sizes = {}
    for term, operand in zip(terms, operands, strict=True):
        sizes.update(zip(term, operand.shape, strict=True))
    return math.prod(sizes.values())


_CONVOLUTIONS = {
    "conv": _conv,
    "depthwise_conv": _depthwise,
    "separable_conv": _separable,
    "conv_transpose": _transposed,
}
_PRODUCTS = {
    "matmul": _matmul,
    "dot": _matmul,
    "tensordot": _tensordot,
    "einsum": _einsum,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of some presets."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("presets", nargs="+")
    parser.add_argument("--size", type=int, default=512, help="pixels")
    args = parser.parse_args(arguments)
    head = ["", "parameters", f"GMACs at {args.size} px"]
    rows = (row(name, args.size) for name in args.presets)
    for line in markdown_lines(head, rows):
        print(line, flush=True)


def row(name: str, size: int) -> list[str]:
    """Return the cells of a preset."""
    # Weights do not matter.
    model = keras_rsseg.from_preset(name, load_weights=False)
    gmacs = count_macs(model, size) / 1e9
    return [name, f"{count_parameters(model):,}", f"{gmacs:.1f}"]


if __name__ == "__main__":
    main()
