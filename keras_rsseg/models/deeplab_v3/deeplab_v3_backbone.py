import keras

from keras_rsseg.models.pyramid_context import atrous_context
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DeepLabV3Backbone(SegmentationBackbone):
    """Atrous spatial pyramid pooling of an encoder's coarsest map.

    See `keras_rsseg.layers.AtrousPyramidPooling`. The projection that ends it
    has no ReLU, as in the released code.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5, of
            which P5 is used. The published networks have an output stride of
            8, as in the example.
        filters: int. Channels of the context and of each of its branches.
            Defaults to `256`.
        dilation_rates: dilations of the 3x3 convolutions. Defaults to `(12,
            24, 36)`; for an output stride of 16 `(6, 12, 18)`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P5 with `filters`
        channels.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        50,
        stem="deep",
        stackwise_strides=(1, 2, 1, 1),
        stackwise_dilations=(1, 1, 2, 4),
    )
    backbone = keras_rsseg.models.DeepLabV3Backbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 256)
    ```

    Reference:
        - [Chen et al., Rethinking Atrous Convolution for Semantic Image
          Segmentation, 2017](https://arxiv.org/abs/1706.05587)
    """

    align_corners = True

    def __init__(
        self,
        image_encoder,
        filters=256,
        dilation_rates=(12, 24, 36),
        dtype=None,
        **kwargs,
    ):
        options = {"data_format": image_encoder.data_format, "dtype": dtype}
        context = {
            "filters": filters,
            "dilation_rates": tuple(dilation_rates),
        }

        # === Functional Model ===
        images, pyramid = self.encode(image_encoder)
        features = atrous_context(pyramid["P5"], **context, **options)
        super().__init__(
            inputs=images,
            outputs={"features": features},
            image_encoder=image_encoder,
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.context_config = context

    def get_config(self):
        return {**super().get_config(), **self.context_config}
