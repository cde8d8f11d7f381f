"""Masks and the logits they belong to."""

from keras_rsseg.errors import ArgumentError
from keras_rsseg.typing import Tensor


def squeeze_mask(mask: Tensor, logits: Tensor) -> Tensor:
    """Drop a mask's channel axis and check its size against the logits.

    Args:
        mask: tensor `(B, H, W)` or `(B, H, W, 1)`, any dtype.
        logits: tensor `(B, H, W, K)`, channels last.

    Returns:
        The mask as `(B, H, W)`, its dtype and values unchanged.

    Raises:
        ArgumentError: `logits` is not of rank 4, `mask` is neither
            `(B, H, W)` nor `(B, H, W, 1)`, or statically known sizes of the
            two differ.

    Example:

    ```python
    from keras_rsseg.ops.masks import squeeze_mask

    mask = np.zeros((2, 64, 64, 1), "uint8")
    logits = np.zeros((2, 64, 64, 5), "float32")
    squeeze_mask(mask, logits).shape  # (2, 64, 64)
    ```
    """
    shape, sizes = tuple(mask.shape), tuple(logits.shape)
    if len(sizes) != 4:
        raise ArgumentError(
            "The logits must have the shape (batch, height, width, classes). "
            f"Received: {sizes}"
        )
    fits = len(shape) == 3 or (len(shape) == 4 and shape[-1] == 1)
    if not fits or any(
        have is not None and want is not None and have != want
        for have, want in zip(shape[:3], sizes[:3], strict=True)
    ):
        raise ArgumentError(
            "The mask must have the shape (batch, height, width) or (batch, "
            "height, width, 1) and the size of the logits. Received: a mask "
            f"{shape} for logits {sizes}"
        )
    return mask if len(shape) == 3 else mask[..., 0]
