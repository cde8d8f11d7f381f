from collections.abc import Sequence
from typing import Any

import keras
import keras_hub
import numpy as np

from keras_rsseg.encoders.preactivated_blocks import join_channels
from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.atrous_pyramid_pooling import AtrousPyramidPooling
from keras_rsseg.layers.conv2d import SameConv2D
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.losses.boundary_cross_entropy import BoundaryCrossEntropy
from keras_rsseg.losses.image_weighted_cross_entropy import (
    ImageWeightedCrossEntropy,
)
from keras_rsseg.models.gscnn.dual_task import DualTaskLoss
from keras_rsseg.models.gscnn.dual_task import GumbelSoftmax
from keras_rsseg.models.gscnn.shape_stream import plain_conv
from keras_rsseg.models.gscnn.shape_stream import shape_stream
from keras_rsseg.models.pyramid_decoder import resize_map
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.ops.boundary import boundary_band
from keras_rsseg.void import VOID

_EDGE_WEIGHT = 20.0
# Above it, a pixel counts as an edge.
_EDGE = 0.8


@keras.saving.register_keras_serializable(package="keras_rsseg")
class GSCNNBackbone(SegmentationBackbone):
    """A shape stream beside the encoder, gated by the encoder's levels.

    The stream runs at the size of the tile, on few channels, and ends in an
    edge map. The edges are a branch of the atrous pyramid pooling of P5,
    which is joined with P2.

    Args:
        image_encoder: a feature pyramid backbone with levels P1 to P5, such
            as `keras_rsseg.encoders.ResNetEncoder(finest_level="P1")`. The
            published network has `keras_rsseg.encoders.WideResNetEncoder(
            finest_level="P1")`.
        filters: int. Channels of each branch of the pooling and of the
            features. Defaults to `256`.
        fine_filters: int. Channels that P2 is reduced to. Defaults to `48`.
        dilation_rates: dilations of the pooling. Defaults to `(12, 24, 36)`.
        edge_band: bool. Whether tiles have one more band than the encoder
            takes, the last one: an edge map, 0 or 255, such as that of the
            Canny filter in the published network. Without it, this map is
            zero. Defaults to `False`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised
            except for the edge band.

    Returns:
        A dict with `"features"`: a map of the size of P2 with `filters`
        channels; and `"edges"`: a map of one channel, 0 to 1, of the size of
        the tile.

    Raises:
        ArgumentError: the encoder has no P1.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18, finest_level="P1")
    backbone = keras_rsseg.models.GSCNNBackbone(encoder, filters=32)
    outputs = backbone(np.zeros((1, 64, 64, 3)))
    outputs["features"].shape  # (1, 16, 16, 32)
    outputs["edges"].shape  # (1, 64, 64, 1)
    ```

    Reference:
        - [Takikawa et al., Gated-SCNN: Gated Shape CNNs for Semantic
          Segmentation, 2019](https://arxiv.org/abs/1907.05740)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 256,
        fine_filters: int = 48,
        dilation_rates: Sequence[int] = (12, 24, 36),
        edge_band: bool = False,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        arguments: dict[str, Any] = {
            "filters": filters,
            "fine_filters": fine_filters,
            "dilation_rates": tuple(dilation_rates),
        }

        def decode(pyramid: Pyramid, **options: Any) -> dict[str, Any]:
            return _decode(pyramid, **arguments, **options)

        super().__init__(
            image_encoder,
            decode,
            {**arguments, "edge_band": edge_band},
            align_corners=False,
            extra_bands=1 if edge_band else 0,
            dtype=dtype,
            **kwargs,
        )


def _decode(
    pyramid: Pyramid,
    filters: int,
    fine_filters: int,
    dilation_rates: Sequence[int],
    **options: Any,
) -> dict[str, Any]:
    if "P1" not in pyramid:
        raise ArgumentError(
            "`image_encoder` must also have the level P1, as with "
            f'finest_level="P1". Received one with: {sorted(pyramid)}'
        )
    coarse, fine = pyramid["P5"], pyramid["P2"]
    edges = shape_stream(pyramid, **options)
    given = pyramid.get("extra_bands")
    if given is None:
        given = keras.ops.zeros_like(edges)
    acts = join_channels("edges_and_given", edges, given, **options)
    acts = SameConv2D(
        1, 1, use_bias=False, activation="sigmoid", name="edges_mix", **options
    )(acts)
    acts = resize_map("edges", coarse, acts, **options)
    acts = ConvBNReLU(filters, 1, name="edges_branch", **options)(acts)
    pooled = AtrousPyramidPooling(
        filters,
        dilation_rates=dilation_rates,
        project=False,
        name="atrous_pooling",
        **options,
    )(coarse)
    x = join_channels("pooling_and_edges", pooled, acts, **options)
    x = plain_conv(x, filters, "pooling_project", **options)
    x = resize_map("P2", fine, x, **options)
    fine = plain_conv(fine, fine_filters, "reduce_P2", **options)
    x = join_channels("fine_and_pooling", fine, x, **options)
    for index in (1, 2):
        x = ConvBNReLU(filters, 3, name=f"output_conv{index}", **options)(x)
    return {"features": x, "edges": edges}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class GSCNN(Segmenter):
    """Gated-SCNN: a shape stream beside the encoder.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.

    `compile()` without arguments trains as published: the loss is the
    cross-entropy, weighted by the classes of each image, plus 20 times the
    class-balanced cross-entropy of edges, the cross-entropy of pixels taken
    for edges, and the difference of predicted and true class outlines.

    The published network also takes the edges that the Canny filter finds
    (`edge_band=True`), as the last band of a tile. Canny is not a tensor
    operation; with OpenCV (`pip install opencv-python-headless`), concatenate
    `cv2.Canny(tile, 10, 100)[..., None]` to each tile.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18, finest_level="P1")
    backbone = keras_rsseg.models.GSCNNBackbone(encoder, filters=32)
    model = keras_rsseg.GSCNN(backbone, num_classes=6)
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Takikawa et al., Gated-SCNN: Gated Shape CNNs for Semantic
          Segmentation, 2019](https://arxiv.org/abs/1907.05740)
    """

    backbone_cls = GSCNNBackbone

    def default_loss(self) -> keras.losses.Loss:
        """Cross-entropy, weighted by the classes of each image."""
        return ImageWeightedCrossEntropy(ignore_class=VOID)

    def training_outputs(
        self, logits: keras.KerasTensor, backbone_outputs: dict[str, Any]
    ) -> dict[str, Any] | None:
        outputs = {**backbone_outputs}
        outputs["edges"] = self.channels_last(outputs["edges"])
        soft = GumbelSoftmax(name="soft_classes", dtype="float32")
        outputs["soft_classes"] = soft(logits)
        return super().training_outputs(logits, outputs)

    def extra_loss(self, masks: Any, outputs: dict[str, Any]) -> Any:
        """The losses of edges, of pixels on edges, and of class outlines."""
        edges = keras.ops.cast(outputs["edges"], "float32")
        target = boundary_band(
            masks, radius_squared=4, void=VOID, between="classes"
        )
        # As released, the edge map is taken for logits.
        loss = _EDGE_WEIGHT * BoundaryCrossEntropy()(target, edges)
        masks = keras.ops.cast(masks, "int32")
        near = keras.ops.where(edges[..., 0] > _EDGE, masks, VOID)
        loss += self.default_loss()(near, outputs["logits"])
        return loss + DualTaskLoss()(masks, outputs["soft_classes"])

    def _make_preprocessor(self, backbone: SegmentationBackbone) -> Any:
        if not backbone.edge_band:
            return super()._make_preprocessor(backbone)
        cls = self.preprocessor_cls.image_converter_cls
        bands = backbone.tile_shape[-1] - 1
        images = cls.for_bands(bands)
        scale = np.broadcast_to(np.asarray(images.scale), bands)
        offset = np.broadcast_to(np.asarray(images.offset or 0.0), bands)
        converter = cls(
            scale=[*map(float, scale), 1.0],
            offset=[*map(float, offset), 0.0],
            bands=(*images.bands, "edges"),
        )
        return self.preprocessor_cls(image_converter=converter)
