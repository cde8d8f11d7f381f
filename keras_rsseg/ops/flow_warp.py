"""Warping of feature maps by a flow, with SFNet's conventions."""

from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import check_float
from keras_rsseg.ops.data_format import check_rank
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.ops.grid_sample import grid_sample
from keras_rsseg.ops.lean_graphs import as_float
from keras_rsseg.ops.lean_graphs import constant_if_known
from keras_rsseg.ops.lean_graphs import row_starts
from keras_rsseg.ops.lean_graphs import shape_of
from keras_rsseg.ops.lean_graphs import shared
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Tensor


def flow_warp(
    features: Tensor, flow: Tensor, data_format: DataFormat | None = None
) -> Tensor:
    """Warps features to the size of a flow, which says where pixels come from.

    With zero flow, pixel `i` of `W` reads the features at `i * (w - 1) / (W -
    1)`: a bilinear resize with the corners aligned. A flow of one unit
    shifts this by `(w - 1) / (2 * W)` pixels of the features, about half a
    pixel of the result. Outside the features, values are zero. Coordinates
    are float32 whatever the dtype of the features.

    Args:
        features: Float tensor `(B, h, w, C)`, or `(B, C, h, w)` for
            channels-first.
        flow: Float tensor `(B, H, W, 2)`, or `(B, 2, H, W)` for
            channels-first: right and down.
        data_format: `"channels_last"`, `"channels_first"` or `None` for
            `keras.config.image_data_format()`.

    Returns:
        Tensor `(B, H, W, C)`, or `(B, C, H, W)` for channels-first, of the
        features' dtype. Where the flow is NaN, so is the result.

    Raises:
        ArgumentError: If a rank or the data format is wrong, the flow does
            not have two channels, or the batch sizes are known and differ.
        TypeError: If the features or the flow are not floating point.

    Example:

    ```python
    features = np.arange(4, dtype="float32").reshape(1, 1, 4, 1)
    # One unit shifts by 3 / (2 * 4) pixels, so this shifts by one.
    flow = np.full((1, 1, 4, 2), [8 / 3, 0], "float32")
    warped = keras_rsseg.ops.flow_warp(features, flow)
    warped[0, 0, :, 0]  # [1.0, 2.0, 3.0, 0.0]
    ```

    Reference:
        The warp of [SFNet](https://arxiv.org/abs/2002.10120), as released:
        `torch.nn.functional.grid_sample(align_corners=True)` at a regular
        grid plus `flow / (W, H)`.
    """
    data_format = standardize_data_format(data_format)
    flow = ops.convert_to_tensor(flow)
    _check_flow(flow, data_format)
    return _warp(ops.convert_to_tensor(features), flow, data_format)


@shared
def _warp(features, flow, data_format):
    flow = to_channels_last(ops.cast(flow, "float32"), data_format)
    height, width = shape_of(flow)[1:3]
    columns = _base_coordinates(width) + flow[..., 0] / as_float(width)
    rows = _base_coordinates(height, 1) + flow[..., 1] / as_float(height)
    return grid_sample(
        features,
        ops.stack([columns, rows], axis=-1),
        align_corners=True,
        data_format=data_format,
    )


def _check_flow(flow, data_format):
    check_rank("flow", flow, 4, "(B, H, W, 2) or (B, 2, H, W)")
    if flow.shape[channel_axis(data_format)] != 2:
        raise ArgumentError(
            "`flow` must have two channels, right and down. Received: "
            f"flow.shape={tuple(flow.shape)}, data_format={data_format!r}"
        )
    check_float("flow", flow)


@constant_if_known
def _base_coordinates(length, trailing_axes=0):
    """From -1 for the first to exactly 1 for the last; -1 if there is one."""
    pixels = ops.cast(row_starts(length, 1, trailing_axes), "float32")
    last = ops.maximum(ops.cast(length, "float32") - 1.0, 1.0)
    return 2.0 * pixels / last - 1.0
