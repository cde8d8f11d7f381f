from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.pyramid_pooling import PyramidPooling
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PSPNetBackbone(SegmentationBackbone):
    """Pyramid pooling of an encoder's coarsest map, and a 3x3 convolution.

    As in PFNet's released code, which PFNet was compared with: the pooled
    maps have no ReLU, and a 1x1 convolution joins them with P5. See
    `keras_rsseg.layers.PyramidPooling`.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5, of
            which P5 is used. The published networks have an output stride of
            8, as in the example, or 16.
        filters: int. Channels of the features. Defaults to `256`.
        pooling_filters: int. Channels of each pooled map, and of what joins
            them. Defaults to `512`.
        bin_sizes: sizes of the grids that P5 is averaged over. Defaults to
            `(1, 2, 3, 6)`.
        dropout: float in [0, 1). Share of the joined map's channels to drop
            in training. Defaults to `0.1`.
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
    backbone = keras_rsseg.models.PSPNetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 256)
    ```

    Reference:
        - [Zhao et al., Pyramid Scene Parsing Network, 2017](
          https://arxiv.org/abs/1612.01105)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 256,
        pooling_filters: int = 512,
        bin_sizes: Sequence[int] = (1, 2, 3, 6),
        dropout: float = 0.1,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        arguments: dict[str, Any] = {
            "filters": filters,
            "pooling_filters": pooling_filters,
            "bin_sizes": tuple(bin_sizes),
            "dropout": dropout,
        }

        def decode(pyramid: Pyramid, **options: Any) -> keras.KerasTensor:
            x = PyramidPooling(
                pooling_filters,
                arguments["bin_sizes"],
                dropout,
                name="pyramid_pooling",
                **options,
            )(pyramid["P5"])
            return ConvBNReLU(filters, 3, name="output", **options)(x)

        super().__init__(
            image_encoder, decode, arguments, dtype=dtype, **kwargs
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PSPNet(Segmenter):
    """Pyramid scene parsing network: averages over grids of several sizes.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.PSPNet(
        keras_rsseg.models.PSPNetBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Zhao et al., Pyramid Scene Parsing Network, 2017](
          https://arxiv.org/abs/1612.01105)
    """

    backbone_cls = PSPNetBackbone
