"""Where the taps of a deformable kernel read a map."""

from keras import ops

from keras_rsseg.ops.grid_sample import grid_sample
from keras_rsseg.ops.lean_graphs import as_float
from keras_rsseg.ops.lean_graphs import constant_if_known
from keras_rsseg.ops.lean_graphs import row_starts
from keras_rsseg.ops.lean_graphs import shape_of
from keras_rsseg.typing import Tensor


def sample_taps(
    x: Tensor, shifts: Tensor, kernel_size: int = 3, dilation_rate: int = 1
) -> Tensor:
    """Reads a map at the taps of a kernel, each shifted by an offset.

    A tap reads bilinearly; the map is zero outside. Coordinates are float32
    whatever the dtype of the map. It takes the memory of `kernel_size**2`
    maps.

    Args:
        x: float tensor `(B, H, W, C)`, channels last. Sizes can be unknown.
        shifts: float tensor `(B, H, W, 2 * kernel_size**2)`: for each tap, in
            row-major order, its offset in pixels down and right.
        kernel_size: odd int.
        dilation_rate: int. Pixels from one tap to the next.

    Returns:
        Tensor `(B, H, W, kernel_size**2, C)` of the dtype of `x`.

    Example:

    ```python
    from keras_rsseg.ops.sample_taps import sample_taps

    x = np.arange(6, dtype="float32").reshape(1, 1, 6, 1)
    taps = sample_taps(x, np.zeros((1, 1, 6, 18)), dilation_rate=2)
    taps[0, 0, 3, 3:6, 0]  # [1.0, 3.0, 5.0]
    ```

    Reference:
        - [Dai et al., Deformable Convolutional Networks, 2017](
          https://arxiv.org/abs/1703.06211)
    """
    x = ops.convert_to_tensor(x)
    batch, height, width, channels = shape_of(x)
    taps = kernel_size**2
    shifts = ops.cast(shifts, "float32")
    shifts = ops.reshape(shifts, (batch, height, width * taps, 2))
    rows, columns = _unshifted(height, width, kernel_size, dilation_rate)
    places = []
    for index, place, length in ((1, columns, width), (0, rows, height)):
        place = place + shifts[..., index]
        # Pixel 0 has its centre at -1 + 1 / length.
        place = (2.0 * place + 1.0) / as_float(length) - 1.0
        places.append(place)
    sampled = grid_sample(
        x, ops.stack(places, axis=-1), data_format="channels_last"
    )
    return ops.reshape(sampled, (batch, height, width, taps, channels))


@constant_if_known
def _unshifted(height, width, kernel_size, dilation_rate):
    """Rows and columns of all taps, float32 `(1, height, width * taps)`."""
    tap, middle = ops.arange(kernel_size**2, dtype="int32"), kernel_size // 2
    row, column = row_starts(height, 1, 2), row_starts(width, 1, 1)
    row = row + (tap // kernel_size - middle) * dilation_rate
    column = column + (tap % kernel_size - middle) * dilation_rate
    shape = (height, width, kernel_size**2)
    return tuple(
        ops.cast(
            ops.reshape(ops.broadcast_to(place, shape), (1, height, -1)),
            "float32",
        )
        for place in (row, column)
    )
