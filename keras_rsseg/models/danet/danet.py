from typing import Any

import keras
import keras_hub

from keras_rsseg.models.attention_contexts import dual_attention_context
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DANetBackbone(SegmentationBackbone):
    """Position and channel attention, summed, on an encoder's coarsest map.

    Each of the two branches reduces P5 to `filters` channels by a 3x3
    convolution, applies attention, and then a 3x3 and a 1x1 convolution.
    Memory grows with the square of the number of pixels of P5, see
    `keras_rsseg.layers.PositionAttention`.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5; only
            P5 is used. The published networks have an output stride of 8, as
            in the example.
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
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.DANetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 512)
    ```

    Reference:
        - [Fu et al., Dual Attention Network for Scene Segmentation, 2018](
          https://arxiv.org/abs/1809.02983)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 512,
        dropout: float = 0.1,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        arguments: dict[str, Any] = {"filters": filters, "dropout": dropout}

        def decode(pyramid: Pyramid, **options: Any) -> keras.KerasTensor:
            return dual_attention_context(pyramid["P5"], **arguments, **options)

        super().__init__(
            image_encoder, decode, arguments, dtype=dtype, **kwargs
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DANet(Segmenter):
    """Dual attention network: attention across pixels and across channels.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module: `context="dual_attention"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.DANet(
        keras_rsseg.models.DANetBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Fu et al., Dual Attention Network for Scene Segmentation, 2018](
          https://arxiv.org/abs/1809.02983)
    """

    backbone_cls = DANetBackbone
