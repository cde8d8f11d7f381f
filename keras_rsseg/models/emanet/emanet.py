from typing import Any

import keras
import keras_hub

from keras_rsseg.encoders.preactivated_blocks import join_channels
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.models.attention_contexts import (
    expectation_maximization_context,
)
from keras_rsseg.models.pyramid_decoder import with_auxiliary
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class EMANetBackbone(SegmentationBackbone):
    """An encoder's coarsest map, rebuilt from a few bases and added.

    A 3x3 convolution reduces P5 to `context_filters` channels, in which
    `keras_rsseg.layers.ExpectationMaximization` fits its bases; another 3x3
    convolution reduces the result to `filters` channels.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5; only
            P5 is used. The published networks have an output stride of 8, as
            in the example.
        filters: int. Channels of the features. Defaults to `256`.
        context_filters: int. Channels in which bases are fitted. Defaults to
            `512`.
        num_bases: int. Defaults to `64`.
        iterations: int. How often bases are fitted per call. Defaults to
            `3`.
        epsilon: float, added to the divisors of bases. Defaults to `1e-6`;
            mmsegmentation has 1e-12.
        momentum: float in [0, 1]. Share of the kept bases that a training
            step keeps. Defaults to `0.9`. PFNet's released code never
            updates them, which is `1`.
        join_input: bool. Whether another 3x3 convolution joins P5 with the
            result, as in mmsegmentation. Defaults to `False`.
        auxiliary_filters: int or `None`. Channels of the auxiliary head on P4,
            for training. Defaults to `None`, no such head; mmsegmentation has
            256.
        dropout: float in [0, 1). Share of the features' channels to drop in
            training. Defaults to `0.1`.
        align_corners: bool. How the logits are resized. Defaults to `True`;
            mmsegmentation has `False`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P5 with `filters`
        channels, and `"auxiliary_features"` if requested.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.EMANetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 256)
    ```

    Reference:
        - [Li et al., Expectation-Maximization Attention Networks for Semantic
          Segmentation, 2019](https://arxiv.org/abs/1907.13426)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 256,
        context_filters: int = 512,
        num_bases: int = 64,
        iterations: int = 3,
        epsilon: float = 1e-6,
        momentum: float = 0.9,
        join_input: bool = False,
        auxiliary_filters: int | None = None,
        dropout: float = 0.1,
        align_corners: bool = True,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        unit: dict[str, Any] = {
            "num_bases": num_bases,
            "iterations": iterations,
            "epsilon": epsilon,
            "momentum": momentum,
        }

        def decode(
            pyramid: Pyramid, **options: Any
        ) -> dict[str, keras.KerasTensor]:
            x = expectation_maximization_context(
                pyramid["P5"], context_filters, **unit, **options
            )
            x = ConvBNReLU(filters, 3, name="output", **options)(x)
            if join_input:
                x = _join(pyramid["P5"], x, filters, **options)
            x = keras.layers.SpatialDropout2D(
                dropout, name="dropout", **options
            )(x)
            return with_auxiliary(
                x, pyramid, auxiliary_filters, dropout, **options
            )

        arguments: dict[str, Any] = {
            "filters": filters,
            "context_filters": context_filters,
            **unit,
            "join_input": join_input,
            "auxiliary_filters": auxiliary_filters,
            "dropout": dropout,
            "align_corners": align_corners,
        }
        super().__init__(
            image_encoder,
            decode,
            arguments,
            align_corners=align_corners,
            dtype=dtype,
            **kwargs,
        )


def _join(
    coarsest: keras.KerasTensor,
    x: keras.KerasTensor,
    filters: int,
    **options: Any,
) -> keras.KerasTensor:
    """Join a level and a map made from it by a 3x3 convolution."""
    joined = join_channels("concatenate", coarsest, x, **options)
    return ConvBNReLU(filters, 3, name="join", **options)(joined)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class EMANet(Segmenter):
    """EMANet: context from a few bases fitted to each image.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module: `context="expectation_maximization"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.EMANet(
        keras_rsseg.models.EMANetBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Li et al., Expectation-Maximization Attention Networks for Semantic
          Segmentation, 2019](https://arxiv.org/abs/1907.13426)
    """

    backbone_cls = EMANetBackbone
