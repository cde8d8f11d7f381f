from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import check_choice
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.models.convolution_contexts import atrous_context
from keras_rsseg.models.pyramid_decoder import with_auxiliary
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter

# Arguments of `AtrousPyramidPooling`.
_FORMS: dict[str, dict[str, Any]] = {
    "released": {},
    "torchvision": {"activation": "relu", "image_first": False},
}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DeepLabV3Backbone(SegmentationBackbone):
    """Atrous spatial pyramid pooling of an encoder's coarsest map.

    See `keras_rsseg.layers.AtrousPyramidPooling`.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5; only
            P5 is used (and P4 in training). The published networks have an
            output stride of 8, as in the example.
        filters: int. Channels of the context and of each of its branches.
            Defaults to `256`.
        dilation_rates: dilations of the 3x3 convolutions. Defaults to `(12,
            24, 36)`; use `(6, 12, 18)` for an output stride of 16.
        form: which published network. `"released"`, by the authors of PFNet:
            the projection that ends the pooling has no ReLU, and its result
            is the features. `"torchvision"`: it has a ReLU, and dropout and
            a 3x3 convolution follow. Defaults to `"released"`.
        dropout: float in [0, 1). Share of the projection's values to drop in
            training in the form `"torchvision"`. Defaults to `0.5`.
        auxiliary_filters: int. Channels of the auxiliary head on P4, for
            training (256 in torchvision); `None` for no such head. Defaults
            to `None`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P5 with `filters`
        channels, and, with `auxiliary_filters`, `"auxiliary_features"`: a
        map of the size of P4.

    Raises:
        ArgumentError: `form` is none of the above.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.DeepLabV3Backbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 256)
    ```

    Reference:
        - [Chen et al., Rethinking Atrous Convolution for Semantic Image
          Segmentation, 2017](https://arxiv.org/abs/1706.05587)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 256,
        dilation_rates: Sequence[int] = (12, 24, 36),
        form: str = "released",
        dropout: float = 0.5,
        auxiliary_filters: int | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_choice("form", form, _FORMS)
        arguments: dict[str, Any] = {
            "filters": filters,
            "dilation_rates": tuple(dilation_rates),
            "form": form,
            "dropout": dropout,
            "auxiliary_filters": auxiliary_filters,
        }
        released = form == "released"

        def decode(pyramid: Pyramid, **options: Any) -> dict[str, Any]:
            x = atrous_context(
                pyramid["P5"],
                filters,
                arguments["dilation_rates"],
                **_FORMS[form],
                **options,
            )
            if not released:
                x = keras.layers.Dropout(
                    dropout, dtype=options["dtype"], name="context_dropout"
                )(x)
                x = ConvBNReLU(filters, 3, name="output", **options)(x)
            return with_auxiliary(x, pyramid, auxiliary_filters, **options)

        super().__init__(
            image_encoder,
            decode,
            arguments,
            align_corners=released,
            dtype=dtype,
            **kwargs,
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DeepLabV3(Segmenter):
    """DeepLabV3: context from convolutions with several dilations.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module: `context="atrous_pooling"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.DeepLabV3(
        keras_rsseg.models.DeepLabV3Backbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Chen et al., Rethinking Atrous Convolution for Semantic Image
          Segmentation, 2017](https://arxiv.org/abs/1706.05587)
    """

    backbone_cls = DeepLabV3Backbone
