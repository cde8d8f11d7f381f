import keras

from keras_rsseg.models.pyramid_context import dual_attention_context
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DANetBackbone(SegmentationBackbone):
    """Position and channel attention, summed, on an encoder's coarsest map.

    Each of the two branches reduces P5 to `filters` channels by a 3x3
    convolution, attends, and passes a 3x3 and a 1x1 convolution. Memory
    grows with the square of the number of pixels of P5, see
    `keras_rsseg.layers.PositionAttention`.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5, of
            which P5 is used. The published networks have an output stride of
            8, as in the example.
        filters: int. Channels of the context. Defaults to `512`.
        dropout: float in [0, 1). Share of the branches' channels to drop in
            training. Defaults to `0.1`.
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
    backbone = keras_rsseg.models.DANetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 512)
    ```

    Reference:
        - [Fu et al., Dual Attention Network for Scene Segmentation, 2018](
          https://arxiv.org/abs/1809.02983)
    """

    align_corners = True

    def __init__(
        self,
        image_encoder,
        filters=512,
        dropout=0.1,
        dtype=None,
        **kwargs,
    ):
        options = {"data_format": image_encoder.data_format, "dtype": dtype}
        context = {
            "filters": filters,
            "dropout": dropout,
        }

        # === Functional Model ===
        images, pyramid = self.encode(image_encoder)
        features = dual_attention_context(pyramid["P5"], **context, **options)
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
