"""Counts of ids, exact on every backend."""

import keras
from keras import ops

from keras_rsseg.typing import Tensor


def count_ids(ids: Tensor, num_ids: int | Tensor) -> Tensor:
    """Counts how often each id occurs.

    Args:
        ids: int32 tensor of any shape, each value in `0 ... num_ids - 1`.
        num_ids: int, or a scalar int tensor if the batch size is unknown.

    Returns:
        int32 tensor `(num_ids,)`. No gradient.

    Example:

    ```python
    from keras_rsseg.ops.counting import count_ids

    count_ids(np.array([[2, 0], [2, 2]]), 4)  # [1, 0, 3, 0]
    ```
    """
    ids = ops.reshape(ops.cast(ids, "int32"), (-1,))
    if keras.backend.backend() == "torch":
        # Keras' `segment_sum` adds floats here, so counts stop at 2**24.
        # `bincount` does not compile.
        import torch

        counts = torch.zeros(num_ids, dtype=torch.int32, device=ids.device)
        return counts.scatter_add_(0, ids.long(), torch.ones_like(ids))
    # Measured on 8 masks of 512 x 512 and 38 ids (2 CPU cores): 2 ms when
    # compiled by XLA, 2 on torch, 56 in a TensorFlow graph; a product of
    # one-hot matrices takes 19 to 53. TensorFlow's faster `bincount` does
    # not compile.
    return ops.segment_sum(ops.ones_like(ids), ids, num_segments=num_ids)
