from typing import Any

import keras
import keras_hub

from keras_rsseg.layers.flow_alignment import FlowAlignment
from keras_rsseg.losses.ohem_cross_entropy import OhemCrossEntropy
from keras_rsseg.models.contexts import gather_context
from keras_rsseg.models.pyramid_decoder import add_maps
from keras_rsseg.models.pyramid_decoder import decode_pyramid
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.void import VOID


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SFNetBackbone(SegmentationBackbone):
    """Feature pyramid in which a learned flow aligns each coarse map.

    Before a coarse map is added to the next finer one,
    `keras_rsseg.layers.FlowAlignment` warps it. This is the network of
    `keras_rsseg.models.PFNetBackbone` with `alignment="flow_alignment"`,
    with the same names and weights.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5. The
            released network has `keras_rsseg.encoders.ResNetEncoder(50,
            stem="deep", stackwise_dilations=(1, 1, 2, 4))`.
        fpn_dim: int. Channels of the decoder. Defaults to `256`.
        context: context module of the coarsest level, see
            `keras_rsseg.models.SemanticFPNBackbone`. Defaults to
            `"pyramid_pooling"`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P2, `(batch,
        ceil(height / 4), ceil(width / 4), fpn_dim)`.

    Raises:
        ArgumentError: `context` is not one of these.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.SFNetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 16, 16, 256)
    ```

    Reference:
        - [Li et al., Semantic Flow for Fast and Accurate Scene Parsing,
          2020](https://arxiv.org/abs/2002.10120)
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
                align = FlowAlignment(name=f"flow_alignment_{level}", **options)
                return add_maps(level, fine, align(fine, coarse), dtype=dtype)

            x = gather_context(context, pyramid["P5"], fpn_dim, **options)
            return decode_pyramid(pyramid, x, join, fpn_dim, **options)

        arguments: dict[str, Any] = {"fpn_dim": fpn_dim, "context": context}
        super().__init__(
            image_encoder, decode, arguments, dtype=dtype, **kwargs
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SFNet(Segmenter):
    """Semantic flow network: a feature pyramid aligned by a learned flow.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs. Its
    loss is the cross-entropy of hard pixels, `keras_rsseg.losses.
    OhemCrossEntropy`.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.SFNet(
        keras_rsseg.models.SFNetBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Li et al., Semantic Flow for Fast and Accurate Scene Parsing,
          2020](https://arxiv.org/abs/2002.10120)
    """

    backbone_cls = SFNetBackbone
    # As in PFNet: hard pixels matter where most of a tile is background.
    land_cover_arguments = {"loss": "sparse_categorical_crossentropy"}

    def default_loss(self) -> keras.losses.Loss:
        """Cross-entropy of hard pixels (OHEM), without void."""
        return OhemCrossEntropy(ignore_class=VOID)
