import keras

from keras_rsseg.models.pyramid_context import criss_cross_context
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone


@keras.saving.register_keras_serializable(package="keras_rsseg")
class CCNetBackbone(SegmentationBackbone):
    """Criss-cross attention, called twice, on an encoder's coarsest map.

    A 3x3 convolution reduces P5 to `filters` channels; in the first call of
    the attention each pixel gathers from its row and column, in the second,
    with the same weights, from the whole map. A 3x3 convolution follows,
    another joins the result with P5.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5, of
            which P5 is used. The published networks have an output stride of
            8, as in the example.
        filters: int. Channels of the context. Defaults to `512`.
        recurrence: int. Calls of the attention. Defaults to `2`.
        dropout: float in [0, 1). Share of the context's channels to drop in
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
    backbone = keras_rsseg.models.CCNetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 512)
    ```

    Reference:
        - [Huang et al., CCNet: Criss-Cross Attention for Semantic
          Segmentation, 2018](https://arxiv.org/abs/1811.11721)
    """

    align_corners = True

    def __init__(
        self,
        image_encoder,
        filters=512,
        recurrence=2,
        dropout=0.1,
        dtype=None,
        **kwargs,
    ):
        options = {"data_format": image_encoder.data_format, "dtype": dtype}
        context = {
            "filters": filters,
            "recurrence": recurrence,
            "dropout": dropout,
        }

        # === Functional Model ===
        images, pyramid = self.encode(image_encoder)
        features = criss_cross_context(pyramid["P5"], **context, **options)
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
