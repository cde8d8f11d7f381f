import keras
import keras_hub

from keras_rsseg.encoders.preset_encoder import check_model_keywords
from keras_rsseg.errors import ArgumentError


class SegmentationBackbone(keras_hub.models.Backbone):
    """Base of the backbones: an encoder and the decoder above it.

    keras-hub keeps a backbone's weights and drops a task's when
    `from_preset()` is given another `num_classes`. Everything but the last
    1x1 convolution therefore belongs here.

    A subclass builds its functional model from an encoder and puts out a
    dict whose entry `"features"` is the map that a task classifies, at any
    stride: the task resizes the logits to the image. It sets the attribute
    `align_corners`: how its maps, and the logits of its task, are resized.

    Args:
        inputs: KerasTensor, the images.
        outputs: dict of KerasTensors.
        image_encoder: `keras_hub.models.FeaturePyramidBackbone`, the encoder
            that the model was built with.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.
    """

    # Arguments of `from_preset()` that are meant for the encoder.
    encoder_arguments = ("image_shape", "data_format")

    def __init__(self, inputs, outputs, image_encoder, dtype=None, **kwargs):
        check_model_keywords(self, kwargs)
        super().__init__(inputs=inputs, outputs=outputs, dtype=dtype, **kwargs)
        self.image_encoder = image_encoder
        self.data_format = image_encoder.data_format

    @staticmethod
    def encode(image_encoder):
        """Return `(images, pyramid)`: fresh inputs and an encoder's outputs.

        Args:
            image_encoder: `keras_hub.models.FeaturePyramidBackbone` with
                levels `"P2"` to `"P5"`.

        Returns:
            A KerasTensor and a dict of KerasTensors.

        Raises:
            TypeError: `image_encoder` is not a feature pyramid backbone.
            ValueError: it lacks one of the four levels.
        """
        if not isinstance(
            image_encoder, keras_hub.models.FeaturePyramidBackbone
        ):
            raise TypeError(
                "`image_encoder` must be a "
                "`keras_hub.models.FeaturePyramidBackbone`, such as "
                "`keras_rsseg.encoders.ResNetEncoder`. Received: "
                f"image_encoder={image_encoder!r}"
            )
        levels = image_encoder.pyramid_outputs
        missing = {"P2", "P3", "P4", "P5"} - set(levels)
        if missing:
            raise ArgumentError(
                "`image_encoder` must have the levels P2, P3, P4 and P5. "
                f"Received one without {sorted(missing)}: {sorted(levels)}"
            )
        images = keras.layers.Input(
            shape=image_encoder.input_shape[1:], name="images"
        )
        encoder = keras.Model(
            inputs=image_encoder.inputs, outputs=levels, name="encoder"
        )
        return images, encoder(images)

    def get_config(self):
        config = super().get_config()
        config["image_encoder"] = keras.layers.serialize(self.image_encoder)
        return config

    @classmethod
    def from_config(cls, config):
        config = config.copy()
        encoder = config.get("image_encoder")
        if isinstance(encoder, dict):
            # `from_preset(dtype=...)` sets the outer policy alone.
            inner = {**encoder["config"]}
            for key in ("dtype", *cls.encoder_arguments):
                if config.get(key) is not None:
                    inner[key] = config[key]
            config["image_encoder"] = keras.layers.deserialize(
                {**encoder, "config": inner}
            )
        for key in cls.encoder_arguments:
            config.pop(key, None)
        return super().from_config(config)
