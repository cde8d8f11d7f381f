from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import check_choice
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.pyramid_pooling import PyramidPooling
from keras_rsseg.models.pyramid_decoder import MMSEG_POOLING
from keras_rsseg.models.pyramid_decoder import with_auxiliary
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter

# Arguments of `PyramidPooling`.
_FORMS: dict[str, dict[str, Any]] = {
    "released": {},
    "mmsegmentation": MMSEG_POOLING,
}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PSPNetBackbone(SegmentationBackbone):
    """Pyramid pooling of an encoder's coarsest map.

    See `keras_rsseg.layers.PyramidPooling`.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5; only
            P5 is used (and P4 in training). The published networks have an
            output stride of 8, as in the example, or 16.
        filters: int. Channels of the features in the form `"released"`; the
            other form has `pooling_filters`. Defaults to `256`.
        pooling_filters: int. Channels of each pooled map, and of the joined
            map. Defaults to `512`.
        bin_sizes: sizes of the grids that P5 is averaged over. Defaults to
            `(1, 2, 3, 6)`.
        dropout: float in [0, 1). Share of the channels of the joined map and
            of the auxiliary head to drop in training. Defaults to `0.1`.
        form: which published network. `"released"`, with which PFNet was
            compared: the pooled maps have no ReLU, a 1x1 convolution joins
            them with P5, and a 3x3 convolution follows. `"mmsegmentation"`:
            the pooled maps have a ReLU, and a 3x3 convolution that joins P5
            with them makes the features. Defaults to `"released"`.
        auxiliary_filters: int. Channels of the auxiliary head on P4, for
            training (256 in mmsegmentation); `None` for no such head.
            Defaults to `None`.
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
        form: str = "released",
        auxiliary_filters: int | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_choice("form", form, _FORMS)
        released = form == "released"
        filters = filters if released else pooling_filters
        arguments: dict[str, Any] = {
            "filters": filters,
            "pooling_filters": pooling_filters,
            "bin_sizes": tuple(bin_sizes),
            "dropout": dropout,
            "form": form,
            "auxiliary_filters": auxiliary_filters,
        }

        def decode(pyramid: Pyramid, **options: Any) -> dict[str, Any]:
            x = PyramidPooling(
                pooling_filters,
                arguments["bin_sizes"],
                dropout,
                name="pyramid_pooling",
                **_FORMS[form],
                **options,
            )(pyramid["P5"])
            if released:
                x = ConvBNReLU(filters, 3, name="output", **options)(x)
            return with_auxiliary(
                x, pyramid, auxiliary_filters, dropout, **options
            )

        super().__init__(
            image_encoder,
            decode,
            arguments,
            align_corners=released,
            dtype=dtype,
            **kwargs,
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
