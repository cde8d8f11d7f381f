from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import check_choice
from keras_rsseg.losses.presence_loss import PresenceLoss
from keras_rsseg.models.attention_contexts import encoding_context
from keras_rsseg.models.pyramid_decoder import with_auxiliary
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class EncNetBackbone(SegmentationBackbone):
    """An encoder's coarsest map, its channels weighted by the whole map.

    A 3x3 convolution reduces P5 to `filters` channels. From all of its pixels
    `keras_rsseg.layers.ContextEncoding` makes one vector, from which a dense
    layer computes a weight for each channel.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5; only
            P5 is used. The published networks have an output stride of 8, as
            in the example.
        filters: int. Channels of the features. Defaults to `512`.
        num_codewords: int. Defaults to `32`.
        square_scale: bool, see `keras_rsseg.layers.ContextEncoding`. Defaults
            to `False`; PFNet's released code has `True`.
        joined_levels: which of `"P3"` and `"P4"` are joined with P5; they
            must have its size. Defaults to none; PFNet's released code joins
            both.
        presence: bool. Whether training has a loss for the classes present
            in an image, see `keras_rsseg.EncNet`. Defaults to `True`; PFNet's
            released code has none.
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
        channels; `"encoding"`, `(batch, filters)`, and
        `"auxiliary_features"` if requested.

    Raises:
        ArgumentError: `joined_levels` holds anything else.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.EncNetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 512)
    ```

    Reference:
        - [Zhang et al., Context Encoding for Semantic Segmentation, 2018](
          https://arxiv.org/abs/1803.08904)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 512,
        num_codewords: int = 32,
        square_scale: bool = False,
        joined_levels: Sequence[str] = (),
        presence: bool = True,
        auxiliary_filters: int | None = None,
        dropout: float = 0.1,
        align_corners: bool = True,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        for level in joined_levels:
            check_choice("joined_levels", level, ("P3", "P4"))
        encoding: dict[str, Any] = {
            "filters": filters,
            "num_codewords": num_codewords,
            "square_scale": square_scale,
        }

        def decode(
            pyramid: Pyramid, **options: Any
        ) -> dict[str, keras.KerasTensor]:
            finer = [pyramid[level] for level in joined_levels]
            x, vector = encoding_context(
                pyramid["P5"], finer=finer, **encoding, **options
            )
            x = keras.layers.SpatialDropout2D(
                dropout, name="dropout", **options
            )(x)
            outputs = with_auxiliary(
                x, pyramid, auxiliary_filters, dropout, **options
            )
            return {**outputs, "encoding": vector} if presence else outputs

        arguments: dict[str, Any] = {
            **encoding,
            "joined_levels": tuple(joined_levels),
            "presence": presence,
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


@keras.saving.register_keras_serializable(package="keras_rsseg")
class EncNet(Segmenter):
    """EncNet: channels weighted by an encoding of the whole image.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    While training, a dense layer predicts from the encoding which classes a
    tile has; its `keras_rsseg.losses.PresenceLoss`, weighted 0.2, is added.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module, without that loss: `context="encoding"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_strides=(1, 2, 1, 1), stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.EncNet(
        keras_rsseg.models.EncNetBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Zhang et al., Context Encoding for Semantic Segmentation, 2018](
          https://arxiv.org/abs/1803.08904)
    """

    backbone_cls = EncNetBackbone
    # Weight of the presence loss, as published.
    presence_weight = 0.2

    def make_head(self, num_classes: int) -> None:
        self.presence_classifier = None
        if self.backbone.presence:
            self.presence_classifier = keras.layers.Dense(
                num_classes,
                dtype=self.backbone.dtype_policy,
                name="presence_classifier",
            )

    def connect_head(
        self, tiles: keras.KerasTensor, outputs: dict[str, Any]
    ) -> keras.KerasTensor:
        if self.presence_classifier is not None:
            outputs["presence_logits"] = self.presence_classifier(
                outputs.pop("encoding")
            )
        return super().connect_head(tiles, outputs)

    def reorder_classes(self, order: Sequence[int]) -> None:
        super().reorder_classes(order)
        if self.presence_classifier is not None:
            self._reorder(order, self.presence_classifier)

    def extra_loss(self, masks: Any, outputs: dict[str, Any]) -> Any:
        """The weighted losses of presence and of an auxiliary classifier."""
        loss = super().extra_loss(masks, outputs)
        if self.presence_classifier is None:
            return loss
        presence = PresenceLoss()(masks, outputs["presence_logits"])
        return loss + self.presence_weight * presence
