from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.models.attention_contexts import message_passing_context
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DGMNBackbone(SegmentationBackbone):
    """An encoder's coarsest map, joined with its near and far neighbours.

    A 3x3 convolution reduces P5 to `context_filters` channels, in which
    `keras_rsseg.layers.MessagePassing` gathers neighbours; a 1x1 convolution
    reduces the result to `filters` channels.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5; only
            P5 is used. The published networks have an output stride of 8, as
            in the example.
        filters: int. Channels of the features. Defaults to `256`.
        context_filters: int. Channels in which neighbours are gathered.
            Defaults to `512`.
        dilation_rates: dilations of the neighbourhoods. Defaults to
            `(1, 6, 12, 24, 36)`.
        deformable: bool. Whether the taps of neighbourhoods have offsets.
            Defaults to `True`.
        output_padding: int. Rows and columns of zeros around the map before
            the last convolution. Defaults to `0`. PFNet's released code has
            1: its map is larger than P5 by 2, so that resized logits move a
            little towards the middle of the tile.
        dropout: float in [0, 1). Share of the features' channels to drop in
            training. Defaults to `0.1`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map with `filters` channels, larger than
        P5 by `2 * output_padding`.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.DGMNBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 256)
    ```

    Reference:
        - [Zhang et al., Dynamic Graph Message Passing Networks, 2019](
          https://arxiv.org/abs/1908.06955)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 256,
        context_filters: int = 512,
        dilation_rates: Sequence[int] = (1, 6, 12, 24, 36),
        deformable: bool = True,
        output_padding: int = 0,
        dropout: float = 0.1,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        neighbours: dict[str, Any] = {
            "dilation_rates": tuple(dilation_rates),
            "deformable": deformable,
        }

        def decode(pyramid: Pyramid, **options: Any) -> keras.KerasTensor:
            x = message_passing_context(
                pyramid["P5"], context_filters, **neighbours, **options
            )
            if output_padding:
                x = keras.layers.ZeroPadding2D(
                    output_padding, name="output_padding", **options
                )(x)
            x = ConvBNReLU(filters, 1, name="output", **options)(x)
            return keras.layers.SpatialDropout2D(
                dropout, name="dropout", **options
            )(x)

        arguments: dict[str, Any] = {
            "filters": filters,
            "context_filters": context_filters,
            **neighbours,
            "output_padding": output_padding,
            "dropout": dropout,
        }
        super().__init__(
            image_encoder, decode, arguments, dtype=dtype, **kwargs
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DGMN(Segmenter):
    """DGMN: context from near and far neighbours, weighted by each pixel.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module: `context="message_passing"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.DGMN(
        keras_rsseg.models.DGMNBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Zhang et al., Dynamic Graph Message Passing Networks, 2019](
          https://arxiv.org/abs/1908.06955)
    """

    backbone_cls = DGMNBackbone
