"""A pyramid of four convolutions, quick to compile and to train."""

import keras
import keras_hub

from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.data_format import standardize_data_format


@keras.saving.register_keras_serializable(package="keras_rsseg_tests")
class TinyEncoder(keras_hub.models.FeaturePyramidBackbone):
    """An encoder such as a user can bring.

    Args:
        levels: names of its levels, from `"P1"` to `"P5"`.
        image_shape: `(height, width, bands)`.
        data_format: as of any layer.
        dtype: dtype policy.
        **kwargs: of `keras.Model`.
    """

    def __init__(
        self,
        levels=("P2", "P3", "P4", "P5"),
        image_shape=(None, None, 3),
        data_format=None,
        dtype=None,
        **kwargs,
    ):
        data_format = standardize_data_format(data_format)
        options = {"data_format": data_format, "dtype": dtype}
        shape = tuple(image_shape)
        if data_format == "channels_first":
            shape = (shape[2], *shape[:2])
        images = keras.Input(shape, name="images")
        x = ConvBNReLU(8, 3, strides=2, name="stem", **options)(images)
        outputs = {"P1": x}
        for index in range(4):
            name = f"P{index + 2}"
            x = ConvBNReLU(8 + index, 3, strides=2, name=name, **options)(x)
            outputs[name] = x
        outputs = {name: outputs[name] for name in levels}
        super().__init__(inputs=images, outputs=outputs, dtype=dtype, **kwargs)
        self.levels = list(levels)
        self.image_shape = tuple(image_shape)
        self.data_format = data_format
        self.pyramid_outputs = outputs

    def get_config(self):
        config = super().get_config()
        config["levels"] = self.levels
        config["image_shape"] = self.image_shape
        config["data_format"] = self.data_format
        return config
