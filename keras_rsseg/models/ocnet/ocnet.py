from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import check_choice
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.conv_bn_relu import leaky_relu
from keras_rsseg.models.attention_contexts import object_context
from keras_rsseg.models.pyramid_decoder import with_auxiliary
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter

_ACTIVATIONS = {"relu": "relu", "leaky_relu": leaky_relu}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class OCNetBackbone(SegmentationBackbone):
    """Object context beside dilated convolutions (ASP-OC) of the coarsest map.

    The branches are `keras_rsseg.layers.ObjectContext` between two
    convolutions, a 1x1 convolution, and a 3x3 convolution for each dilation;
    another 1x1 convolution joins them.

    The defaults are those of the code that SFNet's authors released. OCNet's
    own authors first reduce P5 (`reduced_filters=512`), and have narrower
    branches (`branch_filters=256`), leaky ReLUs, an auxiliary classifier, and
    an encoder whose stem rounds sizes up (`stem_pool_ceil` of
    `keras_rsseg.encoders.ResNetEncoder`).

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5; only
            P5 is used. The published networks have an output stride of 8, as
            in the example.
        filters: int. Channels of the features. Defaults to `512`.
        branch_filters: int. Channels of each branch, twice those of the
            queries. Defaults to `512`.
        reduced_filters: int or `None`. Channels of a 3x3 convolution before
            all branches. Defaults to `None`, no convolution.
        dilation_rates: dilations of the 3x3 convolutions. Defaults to `(12,
            24, 36)`.
        activation: `"relu"` or `"leaky_relu"`, with a slope of 0.01 below
            zero: the activation of every convolution. Defaults to `"relu"`.
        auxiliary_filters: int or `None`. Channels of the auxiliary head on P4,
            for training. Defaults to `None`, no such head; the
            authors have 512.
        dropout: float in [0, 1). Share of the features' channels to drop in
            training, and half this share of the object context's channels.
            Defaults to `0.1`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P5 with `filters`
        channels, and `"auxiliary_features"` if requested.

    Raises:
        ArgumentError: `activation` is none of the above.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.OCNetBackbone(encoder, branch_filters=64)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 512)
    ```

    Reference:
        - [Yuan et al., OCNet: Object Context Network for Scene Parsing,
          2018](https://arxiv.org/abs/1809.00916)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 512,
        branch_filters: int = 512,
        reduced_filters: int | None = None,
        dilation_rates: Sequence[int] = (12, 24, 36),
        activation: str = "relu",
        auxiliary_filters: int | None = None,
        dropout: float = 0.1,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_choice("activation", activation, _ACTIVATIONS)
        function = _ACTIVATIONS[activation]
        conv: dict[str, Any] = {"use_bias": True, "activation": function}
        context: dict[str, Any] = {
            "filters": filters,
            "branch_filters": branch_filters,
            "dilation_rates": tuple(dilation_rates),
            "dropout": dropout,
        }

        def decode(
            pyramid: Pyramid, **options: Any
        ) -> dict[str, keras.KerasTensor]:
            x = pyramid["P5"]
            if reduced_filters is not None:
                x = ConvBNReLU(
                    reduced_filters, 3, name="reduce", **conv, **options
                )(x)
            x = object_context(x, activation=function, **context, **options)
            return with_auxiliary(
                x, pyramid, auxiliary_filters, dropout, **conv, **options
            )

        arguments: dict[str, Any] = {
            **context,
            "reduced_filters": reduced_filters,
            "activation": activation,
            "auxiliary_filters": auxiliary_filters,
        }
        super().__init__(
            image_encoder, decode, arguments, dtype=dtype, **kwargs
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class OCNet(Segmenter):
    """OCNet: each pixel gathers from the pixels of its object.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module: `context="object_context"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.OCNet(
        keras_rsseg.models.OCNetBackbone(encoder, branch_filters=64),
        num_classes=6,
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Yuan et al., OCNet: Object Context Network for Scene Parsing,
          2018](https://arxiv.org/abs/1809.00916)
    """

    backbone_cls = OCNetBackbone
