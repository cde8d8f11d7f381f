import keras

from keras_rsseg.layers.initializers import torch_default_initializer
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last


class PixelAttention(keras.layers.Layer):
    """Base of the layers in which pixels of a map attend to one another.

    Three 1x1 convolutions with bias give queries, keys and values. What
    `attend()` of a subclass gathers is multiplied by `gamma`, one learned
    number that starts at zero, and added to the map: a new layer changes
    nothing.

    Args:
        reduction: int. Queries and keys have `channels // reduction`
            channels, at least one. Defaults to `8`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Raises:
        ValueError: when `reduction` is no positive integer, or the map's
            channels are not known.
    """

    def __init__(self, reduction=8, data_format=None, **kwargs):
        super().__init__(**kwargs)
        if int(reduction) != reduction or reduction < 1:
            raise ValueError(
                "`reduction` must be a positive integer. "
                f"Received: reduction={reduction}"
            )
        self.reduction = reduction
        self.data_format = standardize_data_format(data_format)

    def _conv(self, filters, name):
        return keras.layers.Conv2D(
            filters,
            1,
            # torch's default: unscaled products of Keras' own are larger.
            kernel_initializer=torch_default_initializer(),
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape):
        channels = input_shape[channel_axis(self.data_format)]
        if channels is None:
            raise ValueError(
                "The channels of the map must be known. Received: "
                f"input_shape={input_shape}"
            )
        reduced = max(channels // self.reduction, 1)
        self.query = self._conv(reduced, "query")
        self.key = self._conv(reduced, "key")
        self.value = self._conv(channels, "value")
        for layer in (self.query, self.key, self.value):
            layer.build(input_shape)
        self.gamma = self.add_weight(
            shape=(1,), initializer="zeros", name="gamma"
        )

    def call(self, inputs):
        gathered = self.attend(
            *(
                to_channels_last(layer(inputs), self.data_format)
                for layer in (self.query, self.key, self.value)
            )
        )
        gathered = from_channels_last(gathered, self.data_format)
        return inputs + self.gamma * keras.ops.cast(gathered, inputs.dtype)

    def attend(self, query, key, value):
        """Gather the values of other pixels for each pixel.

        Args:
            query: tensor `(batch, height, width, reduced channels)`, for
                either data format.
            key: as `query`.
            value: tensor `(batch, height, width, channels)`.

        Returns:
            float32 tensor like `value`.
        """
        raise NotImplementedError

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        config.update(
            {"reduction": self.reduction, "data_format": self.data_format}
        )
        return config
