from typing import Any

import keras
import keras_hub

from keras_rsseg.models.pyramid_decoder import add_maps
from keras_rsseg.models.pyramid_decoder import decode_pyramid
from keras_rsseg.models.pyramid_decoder import gather_context
from keras_rsseg.models.pyramid_decoder import resize_map
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SemanticFPNBackbone(SegmentationBackbone):
    """Feature pyramid with dense top-down flow: the baseline of PFNet.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5.
        fpn_dim: int. Channels of the decoder. Defaults to `256`.
        context: what gathers the context of the coarsest level:
            `"pyramid_pooling"` (PPM) as in the released baseline;
            `"criss_cross"`, `"dual_attention"` or `"atrous_pooling"`, which
            make it CCNet, DANet or DeepLabV3 with an FPN (the released ones
            have an encoder of output stride 8 and `fpn_dim=128`);
            `"expectation_maximization"`, `"encoding"` or `"object_context"`,
            which make it EMANet, EncNet or OCNet with an FPN; or `None` for a
            1x1 convolution, as in a plain FPN. Defaults to
            `"pyramid_pooling"`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P2, `(batch,
        ceil(height / 4), ceil(width / 4), fpn_dim)`.

    Raises:
        ArgumentError: `context` is none of the above.

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
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        def decode(pyramid: Pyramid, **options: Any) -> keras.KerasTensor:
            def join(
                level: str, fine: keras.KerasTensor, coarse: keras.KerasTensor
            ) -> keras.KerasTensor:
                resized = resize_map(level, fine, coarse, **options)
                return add_maps(level, fine, resized, dtype=dtype)

            x = gather_context(context, pyramid["P5"], fpn_dim, **options)
            return decode_pyramid(pyramid, x, join, fpn_dim, **options)

        arguments: dict[str, Any] = {"fpn_dim": fpn_dim, "context": context}
        super().__init__(
            image_encoder, decode, arguments, dtype=dtype, **kwargs
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
