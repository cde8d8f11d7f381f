from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.models.convolution_contexts import dense_atrous_context
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DenseASPPBackbone(SegmentationBackbone):
    """Convolutions with growing dilation, each fed by all before it.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5; only
            P5 is used. The published networks have an output stride of 8, as
            in the example, and a `keras_rsseg.encoders.DenseNetEncoder` with
            `reduce_output=True`.
        filters: int. Channels that each dilation adds. Defaults to `64`, as
            published for DenseNet-121; 128, 168 and 240 for DenseNet-161, 169
            and 201.
        bottleneck_filters: int. Channels of the 1x1 convolution before each
            dilated one. Defaults to `128`; 512, 336 and 480 for DenseNet-161,
            169 and 201.
        dilation_rates: dilations of the 3x3 convolutions, in their order.
            Defaults to `(3, 6, 12, 18, 24)`.
        dropout: float in [0, 1). Share of the added channels and of the
            features' channels to drop in training. Defaults to `0.1`.
        align_corners: bool. How logits are resized. Defaults to `False`, as
            published.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P5, with the channels
        of P5 plus `filters` for each dilation.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.DenseASPPBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 832)
    ```

    Reference:
        - [Yang et al., DenseASPP for Semantic Segmentation in Street Scenes,
          2018](https://openaccess.thecvf.com/content_cvpr_2018/html/Yang_DenseASPP_for_Semantic_CVPR_2018_paper.html)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 64,
        bottleneck_filters: int = 128,
        dilation_rates: Sequence[int] = (3, 6, 12, 18, 24),
        dropout: float = 0.1,
        align_corners: bool = False,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        context: dict[str, Any] = {
            "filters": filters,
            "bottleneck_filters": bottleneck_filters,
            "dilation_rates": tuple(dilation_rates),
            "dropout": dropout,
        }

        def decode(pyramid: Pyramid, **options: Any) -> keras.KerasTensor:
            x = dense_atrous_context(pyramid["P5"], **context, **options)
            return keras.layers.SpatialDropout2D(
                dropout, name="dropout", **options
            )(x)

        arguments = {**context, "align_corners": align_corners}
        super().__init__(
            image_encoder,
            decode,
            arguments,
            align_corners,
            dtype=dtype,
            **kwargs,
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DenseASPP(Segmenter):
    """DenseASPP: dilated convolutions, each fed by all before it.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module: `context="dense_atrous_pooling"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.DenseASPP(
        keras_rsseg.models.DenseASPPBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Yang et al., DenseASPP for Semantic Segmentation in Street Scenes,
          2018](https://openaccess.thecvf.com/content_cvpr_2018/html/Yang_DenseASPP_for_Semantic_CVPR_2018_paper.html)
    """

    backbone_cls = DenseASPPBackbone
