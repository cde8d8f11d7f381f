import keras
from keras import ops

from keras_rsseg.layers.pixel_attention import PixelAttention


@keras.saving.register_keras_serializable(package="keras_rsseg")
class CrissCrossAttention(PixelAttention):
    """Each pixel gathers from the pixels of its row and of its column.

    The query of a pixel is multiplied, without scaling, with the keys of its
    row (itself included) and of the other pixels of its column. One softmax
    over these `height + width - 1` scores weighs their values; the sum,
    times `gamma`, is added to the map. `gamma` starts at zero, so a new
    layer changes nothing.

    Scores take `height * width * (height + width)` numbers of memory, not
    the square of the number of pixels. Called a second time (CCNet shares
    the weights between the two calls), each pixel has gathered from all.

    Args:
        reduction: int. Queries and keys have `channels // reduction`
            channels, at least one. Defaults to `8`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width may be unknown.

    Returns:
        Tensor like `inputs`. Scores and softmax are float32 under mixed
        precision too.

    Raises:
        ValueError: when `reduction` is no positive integer.

    Example:

    ```python
    layer = keras_rsseg.layers.CrissCrossAttention()
    x = np.ones((2, 25, 17, 64), "float32")
    layer(layer(x)).shape  # (2, 25, 17, 64)
    ```

    Reference:
        - [Huang et al., CCNet: Criss-Cross Attention for Semantic
          Segmentation, 2018](https://arxiv.org/abs/1811.11721)
    """

    def attend(self, query, key, value):
        query, key, value = (
            ops.cast(x, "float32") for x in (query, key, value)
        )
        height, width = ops.shape(query)[1:3]
        rows = ops.einsum("bhwd,bhvd->bhwv", query, key)
        columns = ops.einsum("bhwd,bgwd->bhwg", query, key)
        # The pixel itself is in its row already.
        index = ops.arange(height)
        itself = ops.equal(index[:, None], index[None, :])[None, :, None, :]
        columns = ops.where(itself, float("-inf"), columns)
        weights = ops.softmax(ops.concatenate([rows, columns], axis=-1))
        return ops.einsum(
            "bhwv,bhvc->bhwc", weights[..., :width], value
        ) + ops.einsum("bhwg,bgwc->bhwc", weights[..., width:], value)
