from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import check_choice
from keras_rsseg.layers.point_rend import PointRefinement
from keras_rsseg.layers.point_rend import UncertainPoints
from keras_rsseg.layers.pyramid_ladders import PyramidLadders
from keras_rsseg.models.convolution_contexts import atrous_context
from keras_rsseg.models.feature_pyramid import feature_pyramid
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.models.skip_decoder import decode_with_skip
from keras_rsseg.ops.masks import squeeze_mask
from keras_rsseg.ops.point_selection import pixels_at
from keras_rsseg.ops.points import gather_points

_COARSE = ("feature_pyramid", "deeplab_v3", "deeplab_v3_plus")


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PointRendBackbone(SegmentationBackbone):
    """A coarse network, and the features PointRend refines its logits with.

    The defaults are the network of mmsegmentation, in which the logits are
    doubled twice. PFNet's released code has two others, which double until
    the size of the tile is reached (`steps=3` from stride 8, `steps=2` from
    stride 4), and have no hidden layer.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5. Those
            under DeepLab have an output stride of 8.
        coarse: `"feature_pyramid"`, the neck and summed ladders of semantic
            FPN, whose finest level points are sampled from; `"deeplab_v3"` or
            `"deeplab_v3_plus"`, with points from P3. Defaults to
            `"feature_pyramid"`.
        filters: int. Channels of the levels and points under
            `"feature_pyramid"`, and of DeepLab's branches. Defaults to
            `256`.
        coarse_filters: int. Channels of the ladders. Defaults to `128`.
        dilation_rates: dilations of DeepLab's branches. Defaults to `(12, 24,
            36)`.
        steps: int. How often the coarse logits are doubled. Defaults to `2`.
        num_points: int. Points classified again in each step. Defaults to
            `8196`; PFNet's released code has 8096.
        hidden_layers: int. Hidden layers of the points' classifier, with
            `filters` channels. Defaults to `3`.
        training_points: int. Points that a training step classifies. Defaults
            to `2048`.
        use_refined: bool, see `keras_rsseg.layers.PointRefinement`. Defaults
            to `False`; PFNet's released code has `True`.
        align_corners: bool. How maps and logits are resized. Defaults to
            `False`; PFNet's released code has `True`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`, the map from which the coarse logits are
        made, and `"point_features"`, from which points are sampled.

    Raises:
        ArgumentError: `coarse` is none of the above.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = keras_rsseg.models.PointRendBackbone(encoder)
    maps = backbone(np.zeros((1, 64, 64, 3)))
    maps["features"].shape  # (1, 16, 16, 128)
    maps["point_features"].shape  # (1, 16, 16, 256)
    ```

    Reference:
        - [Kirillov et al., PointRend: Image Segmentation as Rendering,
          2019](https://arxiv.org/abs/1912.08193)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        coarse: str = "feature_pyramid",
        filters: int = 256,
        coarse_filters: int = 128,
        dilation_rates: Sequence[int] = (12, 24, 36),
        steps: int = 2,
        num_points: int = 8196,
        hidden_layers: int = 3,
        training_points: int = 2048,
        use_refined: bool = False,
        align_corners: bool = False,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_choice("coarse", coarse, _COARSE)
        arguments: dict[str, Any] = {
            "coarse": coarse,
            "filters": filters,
            "coarse_filters": coarse_filters,
            "dilation_rates": tuple(dilation_rates),
            "steps": steps,
            "num_points": num_points,
            "hidden_layers": hidden_layers,
            "training_points": training_points,
            "use_refined": use_refined,
            "align_corners": align_corners,
        }

        def decode(
            pyramid: Pyramid, **options: Any
        ) -> dict[str, keras.KerasTensor]:
            if coarse == "feature_pyramid":
                return _decode_levels(
                    pyramid, filters, coarse_filters, align_corners, **options
                )
            return _decode_deeplab(
                pyramid,
                filters,
                arguments["dilation_rates"],
                coarse == "deeplab_v3_plus",
                align_corners,
                **options,
            )

        super().__init__(
            image_encoder,
            decode,
            arguments,
            align_corners=align_corners,
            dtype=dtype,
            **kwargs,
        )


def _decode_levels(
    pyramid: Pyramid,
    filters: int,
    coarse_filters: int,
    align_corners: bool,
    **options: Any,
) -> dict[str, keras.KerasTensor]:
    """Return the sum of all levels, and the finest level for the points."""
    levels = feature_pyramid(pyramid, filters, **options)
    ladders = PyramidLadders(
        coarse_filters, align_corners=align_corners, name="ladders", **options
    )
    return {"features": ladders(levels), "point_features": levels[0]}


def _decode_deeplab(
    pyramid: Pyramid,
    filters: int,
    dilation_rates: Sequence[int],
    with_skip: bool,
    align_corners: bool,
    **options: Any,
) -> dict[str, keras.KerasTensor]:
    """Return the features of DeepLabV3 or V3+, and P3 for the points."""
    x = atrous_context(
        pyramid["P5"],
        filters,
        dilation_rates,
        project=not with_skip,
        **options,
    )
    if with_skip:
        x = keras.layers.Conv2D(
            filters, 1, use_bias=False, name="context_projection", **options
        )(x)
        x = decode_with_skip(
            pyramid["P2"],
            x,
            filters,
            skip_norm=False,
            coarse_first=False,
            align_corners=align_corners,
            **options,
        )
    return {"features": x, "point_features": pyramid["P3"]}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PointRend(Segmenter):
    """PointRend: logits refined point by point where they are uncertain.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs. The
    coarse logits are enlarged step by step, and the most uncertain points of
    each step are classified again, see `keras_rsseg.layers.PointRefinement`.

    While training, the loss is that of the coarse logits plus the
    cross-entropy of points, most of them where the coarse logits are
    uncertain. Scores during `fit()` are those of the coarse logits;
    `predict()` and `evaluate()` refine.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    model = keras_rsseg.PointRend(
        keras_rsseg.models.PointRendBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Kirillov et al., PointRend: Image Segmentation as Rendering,
          2019](https://arxiv.org/abs/1912.08193)
    """

    backbone_cls = PointRendBackbone

    def make_head(self, num_classes: int) -> None:
        backbone = self.backbone
        self.point_head = PointRefinement(
            num_classes,
            backbone.steps,
            backbone.num_points,
            backbone.filters,
            backbone.hidden_layers,
            align_corners=backbone.align_corners,
            use_refined=backbone.use_refined,
            dtype=backbone.dtype_policy,
            name="point_head",
        )

    def connect_head(
        self, tiles: keras.KerasTensor, outputs: dict[str, Any]
    ) -> keras.KerasTensor:
        coarse = self.channels_last(self.classifier(outputs["features"]))
        fine = self.channels_last(outputs.pop("point_features"))
        points = UncertainPoints(
            self.backbone.training_points, name="training_points"
        )(coarse)
        outputs["coarse_logits"] = self.upsample(tiles, coarse)
        outputs["points"] = points
        outputs["point_logits"] = self.point_head(coarse, fine, points)
        return self.upsample(tiles, self.point_head(coarse, fine))

    def training_outputs(
        self, logits: keras.KerasTensor, backbone_outputs: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Input of the losses: coarse logits, and the logits of points."""
        outputs = {**backbone_outputs}
        return super().training_outputs(outputs.pop("coarse_logits"), outputs)

    def reorder_classes(self, order: Sequence[int]) -> None:
        super().reorder_classes(order)
        self._reorder(order, self.point_head.dense[-1])
        # The logits are the last inputs of every layer.
        for layer in self.point_head.dense:
            kernel = keras.ops.convert_to_numpy(layer.kernel).copy()
            logits = kernel[-self.num_classes :]
            kernel[-self.num_classes :] = logits[list(order)]
            layer.kernel.assign(kernel)

    def extra_loss(self, masks: Any, outputs: dict[str, Any]) -> Any:
        """The cross-entropy of the points."""
        masks = squeeze_mask(masks, outputs["logits"])
        indices = pixels_at(outputs["points"], keras.ops.shape(masks)[1:3])
        labels = gather_points(
            masks[..., None], indices, data_format="channels_last"
        )
        loss = self.default_loss()(labels[..., 0], outputs["point_logits"])
        return super().extra_loss(masks, outputs) + loss
