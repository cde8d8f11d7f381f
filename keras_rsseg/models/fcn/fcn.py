from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import check_choice
from keras_rsseg.models.convolution_contexts import fcn_context
from keras_rsseg.models.pyramid_decoder import with_auxiliary
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.models.skip_decoder import decode_with_skip

# Arguments of `fcn_context`.
_FORMS: dict[str, dict[str, Any]] = {
    "mmsegmentation": {"num_convs": 2, "join": True},
    "torchvision": {"num_convs": 1, "join": False},
    "skip": {"num_convs": 1, "join": False},
}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class FCNBackbone(SegmentationBackbone):
    """3x3 convolutions on the coarsest map of a dilated encoder.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5; only
            P5 is used (also P2 in the form `"skip"`, and P4 in training). The
            published networks have an output stride of 8, as in the example.
        filters: int. Channels of the features. Defaults to `512`; the
            published network of form `"skip"` has 256.
        form: which published network. `"mmsegmentation"`: two convolutions,
            and a third one that joins their result with P5.
            `"torchvision"`: one convolution. `"skip"`, by the authors of
            PFNet: one convolution, whose result is resized and joined with
            P2, and two more. Defaults to `"mmsegmentation"`.
        skip_filters: int. Channels that P2 is reduced to in the form
            `"skip"`, where `None` means 48; not used by the other forms.
            Defaults to `None`.
        dropout: float in [0, 1). Share of the channels to drop in training
            after the convolutions on P5, and in the auxiliary head. Defaults
            to `0.1`.
        auxiliary_filters: int. Channels of the auxiliary head on P4, for
            training; `None` for no such head, as in the published network
            of form `"skip"`. Defaults to `256`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P5 (of P2 in the form
        `"skip"`) with `filters` channels, and `"auxiliary_features"`: a map
        of the size of P4, unless `auxiliary_filters` is `None`.

    Raises:
        ArgumentError: `form` is none of the above.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.FCNBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 512)
    ```

    Reference:
        - [Long et al., Fully Convolutional Networks for Semantic
          Segmentation, 2014](https://arxiv.org/abs/1411.4038)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 512,
        form: str = "mmsegmentation",
        skip_filters: int | None = None,
        dropout: float = 0.1,
        auxiliary_filters: int | None = 256,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_choice("form", form, _FORMS)
        has_skip = form == "skip"
        skip_filters = (skip_filters or 48) if has_skip else None
        arguments: dict[str, Any] = {
            "filters": filters,
            "form": form,
            "skip_filters": skip_filters,
            "dropout": dropout,
            "auxiliary_filters": auxiliary_filters,
        }

        def decode(pyramid: Pyramid, **options: Any) -> dict[str, Any]:
            x = fcn_context(
                pyramid["P5"],
                filters,
                dropout=dropout,
                **_FORMS[form],
                **options,
            )
            if skip_filters is not None:
                x = decode_with_skip(
                    pyramid["P2"],
                    x,
                    filters,
                    skip_filters,
                    skip_norm=False,
                    coarse_first=False,
                    align_corners=True,
                    **options,
                )
            return with_auxiliary(
                x, pyramid, auxiliary_filters, dropout, **options
            )

        super().__init__(
            image_encoder,
            decode,
            arguments,
            align_corners=has_skip,
            dtype=dtype,
            **kwargs,
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class FCN(Segmenter):
    """Fully convolutional network on a dilated encoder.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module: `context="fcn"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.FCN(
        keras_rsseg.models.FCNBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Long et al., Fully Convolutional Networks for Semantic
          Segmentation, 2014](https://arxiv.org/abs/1411.4038)
    """

    backbone_cls = FCNBackbone
