import keras
from keras import ops

from keras_rsseg.layers.pixel_attention import PixelAttention
from keras_rsseg.ops.attention import attend


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PositionAttention(PixelAttention):
    """Each pixel gathers from all pixels of the map: DANet's spatial branch.

    `gamma * softmax(query key^T) value + inputs`, the products without
    scaling. `gamma` starts at zero, so a new layer changes nothing.

    Memory grows with the square of the number of pixels: the float32 scores
    of a map of 64 x 64 pixels (a tile of 512 at stride 8) take 64 MiB an
    image, those of 128 x 128 take 1 GiB. `CrissCrossAttention` takes 2 and
    16 MiB.

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
    layer = keras_rsseg.layers.PositionAttention()
    layer(np.ones((2, 25, 17, 64), "float32")).shape  # (2, 25, 17, 64)
    ```

    Reference:
        - [Fu et al., Dual Attention Network for Scene Segmentation, 2018](
          https://arxiv.org/abs/1809.02983), equations 1 and 2
    """

    def attend(self, query, key, value):
        gathered = attend(*(_flatten(x) for x in (query, key, value)))
        return ops.reshape(gathered, ops.shape(value))


def _flatten(x):
    """`(batch, height, width, channels)` to `(batch, pixels, channels)`."""
    return ops.reshape(x, (ops.shape(x)[0], -1, x.shape[-1]))
