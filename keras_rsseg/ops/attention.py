"""Attention between two sets of points."""

from keras import ops

from keras_rsseg.typing import Tensor


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention without scaling: `softmax(query key^T) value`.

    Scores, softmax and sum are float32 whatever the dtype of the arguments:
    the product of two 256-channel points can reach thousands. The scores take
    `B * P * Q` numbers of memory.

    Args:
        query: Float tensor `(B, P, D)`.
        key: Float tensor `(B, Q, D)`.
        value: Float tensor `(B, Q, C)`.

    Returns:
        float32 tensor `(B, P, C)`.

    Example:

    ```python
    points = np.ones((2, 5, 8), "float32")
    keras_rsseg.ops.attend(points[:, :3], points, points).shape  # (2, 3, 8)
    ```

    Reference:
        `torch.nn.functional.scaled_dot_product_attention(scale=1.0)`.
    """
    query, key, value = (ops.cast(x, "float32") for x in (query, key, value))
    scores = ops.einsum("bpd,bqd->bpq", query, key)
    if scores.shape[-1] == 1:
        # Weights of 1, zero gradients. Keras warns of a softmax over one value.
        weights = ops.exp(scores - scores)
    else:
        weights = ops.softmax(scores, axis=-1)
    return ops.einsum("bpq,bqc->bpc", weights, value)
