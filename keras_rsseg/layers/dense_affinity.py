import keras
from keras import ops

from keras_rsseg.layers.fine_and_coarse import check_same_channels
from keras_rsseg.ops.attention import attend
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DenseAffinity(keras.layers.Layer):
    """Brings a coarse map to the size of a fine one by a dense affinity.

    Every fine pixel attends to every coarse one, `softmax(fine coarse^T)
    coarse`: what `keras_rsseg.layers.PointFlow` does with a few points, with
    all of them. As there the affinity is not scaled, is float32 under mixed
    precision too, and has no weights. The caller adds the fine map.

    The affinity of an image has `H W h w` numbers of 4 bytes, more than once
    in training: for a tile of 512 pixels and strides 4 and 8 that is 268 MB a
    copy, for one of 896 pixels 2.5 GB.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        fine: float tensor `(batch, H, W, channels)`; channels second for
            `"channels_first"`. Heights and widths may be unknown and odd.
        coarse: float tensor `(batch, h, w, channels)` of any size.

    Returns:
        Tensor like `fine`: means of coarse pixels.

    Raises:
        ValueError: when the maps differ in channels.

    Example:

    ```python
    layer = keras_rsseg.layers.DenseAffinity()
    fine, coarse = np.ones((1, 32, 24, 16)), np.ones((1, 16, 12, 16))
    fused = fine + layer(fine, coarse)  # (1, 32, 24, 16)
    ```

    Reference:
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564),
          Table 2c
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)

    def build(self, fine_shape, coarse_shape):
        check_same_channels(fine_shape, coarse_shape, self.data_format)

    def call(self, fine, coarse):
        fine = to_channels_last(fine, self.data_format)
        coarse = to_channels_last(coarse, self.data_format)
        batch, height, width, channels = ops.shape(fine)
        fine_points = ops.reshape(fine, (batch, height * width, channels))
        coarse_points = ops.reshape(coarse, (batch, -1, channels))
        attended = attend(fine_points, coarse_points, coarse_points)
        attended = ops.reshape(
            ops.cast(attended, fine.dtype), (batch, height, width, channels)
        )
        return from_channels_last(attended, self.data_format)

    def compute_output_shape(self, fine_shape, coarse_shape):
        return tuple(fine_shape)

    def get_config(self):
        config = super().get_config()
        config["data_format"] = self.data_format
        return config
