from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import check_choice
from keras_rsseg.layers.separable_conv_bn_relu import SeparableConvBNReLU
from keras_rsseg.models.convolution_contexts import atrous_context
from keras_rsseg.models.convolution_contexts import separable_atrous_context
from keras_rsseg.models.pyramid_decoder import with_auxiliary
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.models.skip_decoder import decode_with_skip

# Arguments of `decode_with_skip`.
_FORMS: dict[str, dict[str, Any]] = {
    "mmsegmentation": {"separable": True, "align_corners": False},
    "released": {
        "skip_norm": False,
        "coarse_first": False,
        "align_corners": True,
    },
    "smp": {
        "num_convs": 1,
        "separable": True,
        "depthwise_norm": False,
        "align_corners": True,
    },
}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DeepLabV3PlusBackbone(SegmentationBackbone):
    """Atrous spatial pyramid pooling, joined with an encoder's finest map.

    The context of P5, see `keras_rsseg.layers.AtrousPyramidPooling`, is
    resized to the size of P2 and concatenated with it, after a 1x1
    convolution has reduced P2 to few channels. 3x3 convolutions follow.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5; only
            P2 and P5 are used (and P4 in training). The published networks
            have an output stride of 8, as in the example; that of the form
            `"smp"` has 16.
        filters: int. Channels of the features, and of the context and each
            of its branches. Defaults to `512`; the published networks of the
            forms `"released"` and `"smp"` have 256.
        dilation_rates: dilations of the 3x3 convolutions of the context.
            Defaults to `(12, 24, 36)`.
        form: which published network. `"mmsegmentation"`: the dilated and the
            last convolutions are depthwise, each followed by a 1x1
            convolution. `"released"`, by the authors of PFNet: all are full
            convolutions, and neither the context nor P2 is normalized.
            `"smp"` (segmentation_models.pytorch): they are depthwise, without
            normalization before the 1x1 convolutions, with one more after the
            context and one at the end. Defaults to `"mmsegmentation"`.
        skip_filters: int. Channels that P2 is reduced to. Defaults to `48`.
        dropout: float in [0, 1). Share of the channels of the features and of
            the auxiliary head to drop in training. (In the form `"smp"`, half
            of the context's values are also dropped.) Defaults to `0.1`.
        auxiliary_filters: int. Channels of the auxiliary head on P4, for
            training; `None` for no such head, as in the published networks
            of the other two forms. Defaults to `256`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P2 with `filters`
        channels, and `"auxiliary_features"`: a map of the size of P4, unless
        `auxiliary_filters` is `None`.

    Raises:
        ArgumentError: `form` is none of the above.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.DeepLabV3PlusBackbone(encoder, filters=64)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 16, 16, 64)
    ```

    Reference:
        - [Chen et al., Encoder-Decoder with Atrous Separable Convolution for
          Semantic Image Segmentation, 2018](
          https://arxiv.org/abs/1802.02611)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 512,
        dilation_rates: Sequence[int] = (12, 24, 36),
        form: str = "mmsegmentation",
        skip_filters: int = 48,
        dropout: float = 0.1,
        auxiliary_filters: int | None = 256,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_choice("form", form, _FORMS)
        arguments: dict[str, Any] = {
            "filters": filters,
            "dilation_rates": tuple(dilation_rates),
            "form": form,
            "skip_filters": skip_filters,
            "dropout": dropout,
            "auxiliary_filters": auxiliary_filters,
        }

        def decode(pyramid: Pyramid, **options: Any) -> dict[str, Any]:
            x = _gather_context(
                form,
                pyramid["P5"],
                filters,
                arguments["dilation_rates"],
                **options,
            )
            x = decode_with_skip(
                pyramid["P2"],
                x,
                filters,
                skip_filters,
                **_FORMS[form],
                **options,
            )
            x = keras.layers.SpatialDropout2D(
                dropout, name="dropout", **options
            )(x)
            return with_auxiliary(
                x, pyramid, auxiliary_filters, dropout, **options
            )

        super().__init__(
            image_encoder,
            decode,
            arguments,
            align_corners=_FORMS[form]["align_corners"],
            dtype=dtype,
            **kwargs,
        )


def _gather_context(
    form: str,
    x: keras.KerasTensor,
    filters: int,
    dilation_rates: Sequence[int],
    **options: Any,
) -> keras.KerasTensor:
    """Apply the pooling of a form, and the layers that follow at its size."""
    given = {"filters": filters, "dilation_rates": dilation_rates, **options}
    if form == "mmsegmentation":
        return separable_atrous_context(x, **given)
    if form == "released":
        x = atrous_context(x, project=False, **given)
        return keras.layers.Conv2D(
            filters, 1, use_bias=False, name="context_projection", **options
        )(x)
    x = atrous_context(
        x,
        separable=True,
        depthwise_norm=False,
        image_first=False,
        activation="relu",
        **given,
    )
    x = keras.layers.Dropout(
        0.5, dtype=options["dtype"], name="context_dropout"
    )(x)
    return SeparableConvBNReLU(
        filters, depthwise_norm=False, name="context_conv", **options
    )(x)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DeepLabV3Plus(Segmenter):
    """DeepLabV3+: DeepLabV3's context, separable, with a skip decoder.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module: `context="separable_atrous_pooling"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.DeepLabV3Plus(
        keras_rsseg.models.DeepLabV3PlusBackbone(encoder, filters=64),
        num_classes=6,
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Chen et al., Encoder-Decoder with Atrous Separable Convolution for
          Semantic Image Segmentation, 2018](
          https://arxiv.org/abs/1802.02611)
    """

    backbone_cls = DeepLabV3PlusBackbone
