import functools
from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.layers.pyramid_pooling import PyramidPooling
from keras_rsseg.models.pyramid_decoder import MMSEG_POOLING
from keras_rsseg.models.pyramid_decoder import add_resized
from keras_rsseg.models.pyramid_decoder import decode_pyramid
from keras_rsseg.models.pyramid_decoder import drop_channels
from keras_rsseg.models.pyramid_decoder import with_auxiliary
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class UPerNetBackbone(SegmentationBackbone):
    """Feature pyramid under pyramid pooling, all levels joined at stride 4.

    As in mmsegmentation: pyramid pooling of P5, a feature pyramid network
    down from it, and one 3x3 convolution of all levels, resized to P2 with
    the outer borders aligned. While training, a 3x3 convolution of P4 is also
    classified.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5, with
            output stride 32 as published.
        filters: int. Channels of every map of the decoder. Defaults to `512`.
        bin_sizes: sizes of the grids that P5 is averaged over. Defaults to
            `(1, 2, 3, 6)`.
        auxiliary_filters: int. Channels of the map that is classified only in
            training; `None` for no such map. Defaults to `256`.
        dropout: float in [0, 1). Share of the channels of both maps to drop
            in training. Defaults to `0.1`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P2, `(batch,
        ceil(height / 4), ceil(width / 4), filters)`, and
        `"auxiliary_features"`, of the size of P4.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = keras_rsseg.models.UPerNetBackbone(encoder, filters=64)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 16, 16, 64)
    ```

    Reference:
        - [Xiao et al., Unified Perceptual Parsing for Scene Understanding,
          2018](https://arxiv.org/abs/1807.10221)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 512,
        bin_sizes: Sequence[int] = (1, 2, 3, 6),
        auxiliary_filters: int | None = 256,
        dropout: float = 0.1,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        arguments: dict[str, Any] = {
            "filters": filters,
            "bin_sizes": tuple(bin_sizes),
            "auxiliary_filters": auxiliary_filters,
            "dropout": dropout,
        }

        def decode(
            pyramid: Pyramid, **options: Any
        ) -> dict[str, keras.KerasTensor]:
            x = PyramidPooling(
                filters,
                arguments["bin_sizes"],
                dropout=0.0,
                name="pyramid_pooling",
                **MMSEG_POOLING,
                **options,
            )(pyramid["P5"])
            x = decode_pyramid(
                pyramid,
                x,
                functools.partial(add_resized, align_corners=False, **options),
                filters,
                lateral_bias=False,
                align_corners=False,
                **options,
            )
            return with_auxiliary(
                drop_channels(x, dropout, **options),
                pyramid,
                auxiliary_filters,
                dropout,
                **options,
            )

        super().__init__(
            image_encoder,
            decode,
            arguments,
            align_corners=False,
            dtype=dtype,
            **kwargs,
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class UPerNet(Segmenter):
    """UPerNet: a feature pyramid network under pyramid pooling.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    model = keras_rsseg.UPerNet(
        keras_rsseg.models.UPerNetBackbone(encoder, filters=64), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Xiao et al., Unified Perceptual Parsing for Scene Understanding,
          2018](https://arxiv.org/abs/1807.10221)
    """

    backbone_cls = UPerNetBackbone
