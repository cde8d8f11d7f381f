import functools
from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import check_choice
from keras_rsseg.layers.pyramid_ladders import PyramidLadders
from keras_rsseg.models.contexts import gather_context
from keras_rsseg.models.feature_pyramid import feature_pyramid
from keras_rsseg.models.pyramid_decoder import add_resized
from keras_rsseg.models.pyramid_decoder import decode_pyramid
from keras_rsseg.models.pyramid_decoder import drop_channels
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter

_LADDER_FILTERS = 128
_DECODERS = ("fusion", "sum", "ladders")


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SemanticFPNBackbone(SegmentationBackbone):
    """Feature pyramid with dense top-down flow: the baseline of PFNet.

    With `decoder="ladders"`, `context=None` and `align_corners=False` it is
    the semantic branch of Panoptic FPN, as in mmsegmentation.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5.
        fpn_dim: int. Channels of the decoder. Defaults to `256`.
        context: context module of the coarsest level:
            `"pyramid_pooling"` (PPM) as in the released baseline;
            `"criss_cross"`, `"dual_attention"`, `"atrous_pooling"`,
            `"separable_atrous_pooling"`, `"fcn"`, `"dense_atrous_pooling"`,
            `"message_passing"`, `"expectation_maximization"`, `"encoding"` or
            `"object_context"`, which make it CCNet, DANet, DeepLabV3,
            DeepLabV3+, FCN, DenseASPP, DGMN, EMANet, EncNet or OCNet with an
            FPN (the released ones have an encoder with output stride 8 and
            `fpn_dim=128`);
            `"dense_deformable"`, deformable convolutions, each fed by all
            before it; or `None` for a 1x1 convolution, as in a plain FPN.
            Defaults to `"pyramid_pooling"`.
        decoder: `"fusion"`, which concatenates all levels and convolves them,
            as in the released baseline; `"sum"`, which adds all levels and
            convolves the sum, as released with `"dense_deformable"`; or
            `"ladders"`, a plain neck without normalization and the sum of all
            levels, each brought to the size of P2 in steps of 2, see
            `keras_rsseg.layers.PyramidLadders`. Defaults to `"fusion"`.
        ladder_filters: int. Channels of the ladders, if there are any.
            Defaults to `128`.
        align_corners: bool. How maps and logits are resized. Defaults to
            `True`.
        dropout: float in [0, 1). Share of the features' channels to drop in
            training: 0.1 in mmsegmentation. Defaults to `0.0`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P2, `(batch,
        ceil(height / 4), ceil(width / 4), fpn_dim)`, with `ladder_filters`
        channels for `decoder="ladders"`.

    Raises:
        ArgumentError: `context` or `decoder` is none of the above.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = keras_rsseg.models.SemanticFPNBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 16, 16, 256)
    ```

    Reference:
        - [Kirillov et al., Panoptic Feature Pyramid Networks, 2019](
          https://arxiv.org/abs/1901.02446)
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564)
          (the baseline)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        fpn_dim: int = 256,
        context: str | None = "pyramid_pooling",
        decoder: str = "fusion",
        ladder_filters: int | None = None,
        align_corners: bool = True,
        dropout: float = 0.0,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_choice("decoder", decoder, _DECODERS)
        if decoder != "ladders":
            # An unused width would be out of proportion to a preset's
            # weights, which counts as damage.
            ladder_filters = None
        resizing: dict[str, Any] = {"align_corners": align_corners}

        def decode(pyramid: Pyramid, **options: Any) -> keras.KerasTensor:
            x = decode_levels(pyramid, **options)
            return drop_channels(x, dropout, **options)

        def decode_levels(
            pyramid: Pyramid, **options: Any
        ) -> keras.KerasTensor:
            if decoder == "ladders":
                if context is not None:
                    x = gather_context(
                        context, pyramid["P5"], fpn_dim, **options
                    )
                    pyramid = {**pyramid, "P5": x}
                ladders = PyramidLadders(
                    ladder_filters or _LADDER_FILTERS,
                    name="ladders",
                    **resizing,
                    **options,
                )
                return ladders(feature_pyramid(pyramid, fpn_dim, **options))
            x = gather_context(context, pyramid["P5"], fpn_dim, **options)
            join = functools.partial(add_resized, **resizing, **options)
            return decode_pyramid(
                pyramid,
                x,
                join,
                fpn_dim,
                sum_levels=decoder == "sum",
                **resizing,
                **options,
            )

        arguments: dict[str, Any] = {
            "fpn_dim": fpn_dim,
            "context": context,
            "decoder": decoder,
            "ladder_filters": ladder_filters,
            "dropout": dropout,
            **resizing,
        }
        super().__init__(
            image_encoder,
            decode,
            arguments,
            align_corners,
            dtype=dtype,
            **kwargs,
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SemanticFPN(Segmenter):
    """Semantic feature pyramid network, with a choice of context modules.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    model = keras_rsseg.SemanticFPN(
        keras_rsseg.models.SemanticFPNBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Kirillov et al., Panoptic Feature Pyramid Networks, 2019](
          https://arxiv.org/abs/1901.02446)
    """

    backbone_cls = SemanticFPNBackbone
