from typing import Any

import keras
import keras_hub

from keras_rsseg.models.attention_contexts import criss_cross_context
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class CCNetBackbone(SegmentationBackbone):
    """Criss-cross attention, called twice, on an encoder's coarsest map.

    A 3x3 convolution reduces P5 to `filters` channels. In the first call of
    the attention, each pixel gathers from its row and column; in the second,
    with the same weights, from the whole map. Another 3x3 convolution
    follows, and a last one joins the result with P5.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5; only
            P5 is used. The published networks have an output stride of 8, as
            in the example.
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
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.CCNetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 512)
    ```

    Reference:
        - [Huang et al., CCNet: Criss-Cross Attention for Semantic
          Segmentation, 2018](https://arxiv.org/abs/1811.11721)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 512,
        recurrence: int = 2,
        dropout: float = 0.1,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        arguments: dict[str, Any] = {
            "filters": filters,
            "recurrence": recurrence,
            "dropout": dropout,
        }

        def decode(pyramid: Pyramid, **options: Any) -> keras.KerasTensor:
            return criss_cross_context(pyramid["P5"], **arguments, **options)

        super().__init__(
            image_encoder, decode, arguments, dtype=dtype, **kwargs
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class CCNet(Segmenter):
    """Criss-cross network: attention of pixels along rows and columns.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module: `context="criss_cross"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.CCNet(
        keras_rsseg.models.CCNetBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Huang et al., CCNet: Criss-Cross Attention for Semantic
          Segmentation, 2018](https://arxiv.org/abs/1811.11721)
    """

    backbone_cls = CCNetBackbone
