from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import check_choice
from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.attention import DenseAffinity
from keras_rsseg.layers.deformable_conv import DeformableConv
from keras_rsseg.layers.flow_alignment import FlowAlignment
from keras_rsseg.layers.point_flow import PointFlow
from keras_rsseg.layers.point_matcher import FLOWS
from keras_rsseg.layers.point_matcher import Flow
from keras_rsseg.layers.point_matcher import standardize_flows
from keras_rsseg.losses.boundary_cross_entropy import BoundaryCrossEntropy
from keras_rsseg.losses.ohem_cross_entropy import OhemCrossEntropy
from keras_rsseg.models.contexts import gather_context
from keras_rsseg.models.pyramid_decoder import LEVELS
from keras_rsseg.models.pyramid_decoder import add_maps
from keras_rsseg.models.pyramid_decoder import decode_pyramid
from keras_rsseg.models.pyramid_decoder import resize_map
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.ops.boundary import Boundary
from keras_rsseg.ops.boundary import boundary_band
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.resize import resize
from keras_rsseg.void import VOID

ALIGNMENTS = (
    "point_flow",
    "flow_alignment",
    "deformable_conv",
    "modulated_deformable_conv",
    "dense_affinity",
)
_DIRECTIONS = ("top_down", "bottom_up", "both")
_BOUNDARIES = ("background", "classes")
# Weight of each level's boundary loss, whether it is balanced, and between
# what boundaries are drawn.
_RECIPES: dict[str, tuple[float, bool, Boundary]] = {
    "paper": (1.0, False, "classes"),
    "released": (25.0, True, "background"),
}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PFNetBackbone(SegmentationBackbone):
    """A feature pyramid in which semantics flow through matched points.

    An FPN adds the whole coarse map to the lateral one; PFNet replaces a few
    points of the lateral map, the salient and boundary points that
    `keras_rsseg.layers.PointFlow` matches. As in the released code, the
    result is added to the lateral map, which is therefore counted twice
    outside the points.

    The arguments cover the comparisons in the paper's Table 2. Its rows
    without a module are `keras_rsseg.models.SemanticFPNBackbone`, with
    `context=None` (FPN) or `"pyramid_pooling"` (FPN with PPM).

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5. The
            released network has `keras_rsseg.encoders.ResNetEncoder(50,
            stem="deep", stackwise_dilations=(1, 1, 2, 4))`.
        fpn_dim: int. Channels of the decoder. Defaults to `256`.
        context: context module of the coarsest level, see
            `keras_rsseg.models.SemanticFPNBackbone`. Defaults to
            `"pyramid_pooling"`.
        alignment: how a coarse map is aligned with the lateral one, to which
            the result is added (Table 2c): `"point_flow"`;
            `"flow_alignment"`, which makes the network a
            `keras_rsseg.models.SFNetBackbone`; `"deformable_conv"` or
            `"modulated_deformable_conv"` (DCNv1, v2), a 3x3 convolution of
            the resized coarse map with offsets from this map only; or
            `"dense_affinity"`, whose memory grows with the fourth power of
            the side of the tile. The arguments from `match_dim` on are only
            for `"point_flow"`. Defaults to `"point_flow"`.
        levels: at which of `"P4"`, `"P3"` and `"P2"` to align (Table 2b):
            where the map of that level and the next coarser one meet.
            Elsewhere the coarse map is resized, as in `SemanticFPNBackbone`.
            Defaults to all three.
        direction: in which direction semantics flow (Table 2e).
            `"top_down"`, from P5 to P2. `"bottom_up"`, from P2 to P5: the
            finer map is resized to the size of the coarser one, corners
            aligned, and swaps roles with it, so that its points replace
            points of the coarser map. It starts from the lateral maps and
            the context. Or `"both"`: bottom-up with its own modules, starting
            from the maps of top-down. Defaults to `"top_down"`.
        match_dim: int. Channels of the saliency prediction of `PointFlow`.
            Defaults to `64`.
        max_pool_size: int. Salient points per side, 196 points for the
            default `14`. No weight depends on it.
        avg_pool_size: int. Cells per side of the averaged saliency. Defaults
            to `9`.
        num_boundary_points: int. Defaults to `128`.
        matcher_kernel_size: odd int. Kernel of the saliency prediction.
            Defaults to `3`.
        flows: which of `"salient"` and `"boundary"` points flow, see
            `keras_rsseg.layers.PointFlow`; this and the next five. Defaults
            to both.
        salient_sampler: `"max_pool"`, `"attention"` or `"random"`. Defaults
            to `"max_pool"`.
        boundary_from: `"subtraction"`, `"addition"` or `"direct"`. Defaults
            to `"subtraction"`.
        point_sampling: `"released"` or `"bilinear"`. Defaults to
            `"released"`.
        saliency_from: `"reduced"` or `"raw"`. Defaults to `"reduced"`.
        seed: int. Seed of the random sampler at every level. Defaults to
            `0`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P2, `(batch,
        ceil(height / 4), ceil(width / 4), fpn_dim)`, and
        `"boundary_logits"`: a list of maps with one channel, one for each
        `PointFlow` in the order of the flow. By default there are three, at
        strides 32, 16 and 8; none if no boundary points flow.

    Raises:
        ArgumentError: `alignment`, `levels` or `direction` is not one of the
            above.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.PFNetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 16, 16, 256)
    ```

    Reference:
        - [Li et al., PointFlow: Flowing Semantics Through Points for Aerial
          Image Segmentation, 2021](https://arxiv.org/abs/2103.06564)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        fpn_dim: int = 256,
        context: str | None = "pyramid_pooling",
        alignment: str = "point_flow",
        levels: str | Sequence[str] = LEVELS,
        direction: str = "top_down",
        match_dim: int = 64,
        max_pool_size: int = 14,
        avg_pool_size: int = 9,
        num_boundary_points: int = 128,
        matcher_kernel_size: int = 3,
        flows: Flow | Sequence[Flow] = FLOWS,
        salient_sampler: str = "max_pool",
        boundary_from: str = "subtraction",
        point_sampling: str = "released",
        saliency_from: str = "reduced",
        seed: int = 0,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_choice("alignment", alignment, ALIGNMENTS)
        check_choice("direction", direction, _DIRECTIONS)
        decoder: dict[str, Any] = {
            "fpn_dim": fpn_dim,
            "context": context,
            "alignment": alignment,
            "levels": _standardize_levels(levels),
            "direction": direction,
        }
        point_flow = {
            "match_dim": match_dim,
            "max_pool_size": max_pool_size,
            "avg_pool_size": avg_pool_size,
            "num_boundary_points": num_boundary_points,
            "matcher_kernel_size": matcher_kernel_size,
            "flows": standardize_flows(flows),
            "salient_sampler": salient_sampler,
            "boundary_from": boundary_from,
            "point_sampling": point_sampling,
            "saliency_from": saliency_from,
            "seed": seed,
        }

        def decode(pyramid: Pyramid, **options: Any) -> dict[str, Any]:
            return _decode(pyramid, point_flow, **decoder, **options)

        arguments: dict[str, Any] = {**decoder, **point_flow}
        super().__init__(
            image_encoder, decode, arguments, dtype=dtype, **kwargs
        )


def _decode(
    pyramid: Pyramid,
    point_flow: dict[str, Any],
    fpn_dim: int,
    context: str | None,
    alignment: str,
    levels: tuple[str, ...],
    direction: str,
    **options: Any,
) -> dict[str, Any]:
    """Return the features and the boundary logits of every `PointFlow`."""
    boundary_logits = []

    def join(
        level: str,
        fine: keras.KerasTensor,
        coarse: keras.KerasTensor,
        name: str | None = None,
    ) -> keras.KerasTensor:
        name = name or level
        if level in levels:
            aligned, logits = _align_maps(
                alignment, name, fine, coarse, point_flow, **options
            )
            if logits is not None:
                boundary_logits.append(logits)
        else:
            aligned = resize_map(name, fine, coarse, **options)
        return add_maps(name, fine, aligned, dtype=options["dtype"])

    def join_up(
        level: str, coarse: keras.KerasTensor, fine: keras.KerasTensor
    ) -> keras.KerasTensor:
        name = f"up_{level}"
        fine = resize_map(f"before_{name}", coarse, fine, **options)
        return join(level, coarse, fine, name)

    features = decode_pyramid(
        pyramid,
        gather_context(context, pyramid["P5"], fpn_dim, **options),
        None if direction == "bottom_up" else join,
        fpn_dim,
        None if direction == "top_down" else join_up,
        **options,
    )
    return {"features": features, "boundary_logits": boundary_logits}


def _align_maps(
    alignment: str,
    level: str,
    fine: keras.KerasTensor,
    coarse: keras.KerasTensor,
    point_flow: dict[str, Any],
    **options: Any,
) -> tuple[keras.KerasTensor, keras.KerasTensor | None]:
    """Apply an alignment by its name.

    Args:
        alignment: one of `ALIGNMENTS`.
        level: string. Names the layers.
        fine: KerasTensor.
        coarse: KerasTensor with as many channels.
        point_flow: dict of arguments of `PointFlow`.
        **options: `data_format` and `dtype` of every layer.

    Returns:
        A tuple of the aligned map, a KerasTensor of the size of `fine`, and
        the boundary logits, or `None` if there are none.
    """
    name = f"{alignment}_{level}"
    if alignment.endswith("deformable_conv"):
        conv = DeformableConv(
            fine.shape[channel_axis(options["data_format"])],
            modulated=alignment.startswith("modulated"),
            name=name,
            **options,
        )
        return conv(resize_map(level, fine, coarse, **options)), None
    if alignment == "flow_alignment":
        return FlowAlignment(name=name, **options)(fine, coarse), None
    if alignment == "dense_affinity":
        return DenseAffinity(name=name, **options)(fine, coarse), None
    outputs = PointFlow(name=name, **point_flow, **options)(fine, coarse)
    return outputs if isinstance(outputs, tuple) else (outputs, None)


def _standardize_levels(levels: str | Sequence[str]) -> tuple[str, ...]:
    levels = (levels,) if isinstance(levels, str) else tuple(levels)
    if set(levels) - set(LEVELS):
        raise ArgumentError(
            f"`levels` must be some of {LEVELS}. Received: levels={levels!r}"
        )
    return tuple(level for level in LEVELS if level in levels)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PFNet(Segmenter):
    """PointFlow network: a feature pyramid joined through matched points.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    While training, the boundary logits of the backbone, by default of three
    levels, are compared with boundaries derived from the mask, and their
    losses are added; `predict()` and `evaluate()` see only the class logits,
    so a validation loss is the segmentation loss.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        18, stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.PFNet(
        keras_rsseg.models.PFNetBackbone(encoder), num_classes=16
    )
    model.compile(recipe="paper")  # or none, for the released losses
    model(np.zeros((2, 64, 64, 3), "uint8")).shape  # (2, 64, 64, 16)
    ```

    Reference:
        - [Li et al., PointFlow: Flowing Semantics Through Points for Aerial
          Image Segmentation, 2021](https://arxiv.org/abs/2103.06564)
    """

    backbone_cls = PFNetBackbone
    land_cover_arguments = {"recipe": "paper"}

    def compile(
        self,
        optimizer: Any = "auto",
        loss: Any = "auto",
        *,
        metrics: Any = "auto",
        recipe: str = "released",
        boundaries: Boundary | None = None,
        **kwargs: Any,
    ) -> None:
        """Configures training, by default with the released recipe.

        Args:
            optimizer: see `keras_rsseg.models.Segmenter.compile`.
            loss: `"auto"` is the recipe's segmentation loss.
            metrics: see `keras_rsseg.models.Segmenter.compile`.
            recipe: `"released"`, as the published weights were trained:
                cross-entropy of hard pixels (OHEM) and, weighted 25, the
                class-balanced boundary cross-entropy of each level; or
                `"paper"`, as in the text: plain cross-entropy for both, each
                weighted 1. Use the latter for land cover: on aerial scenes
                of Dubai it scored a mean IoU of 0.69, not 0.61.
            boundaries: what the boundary branch learns: `"background"`, the
                outlines of everything but class 0, cut at the border of the
                tile, as released for iSAID, whose class 0 is the background;
                or `"classes"`, the boundaries between any two classes, for
                land cover, without void. Defaults to `"background"` in the
                released recipe and to `"classes"` in the paper's, where it is
                not stated.
            **kwargs: other keyword arguments of `keras.Model.compile`.
        """
        check_choice("recipe", recipe, _RECIPES)
        self.recipe = recipe
        self.boundary_weight, balanced, default = _RECIPES[recipe]
        self.boundaries = boundaries or default
        check_choice("boundaries", self.boundaries, _BOUNDARIES)
        self.boundary_loss = BoundaryCrossEntropy(class_balanced=balanced)
        super().compile(
            optimizer=optimizer, loss=loss, metrics=metrics, **kwargs
        )

    def compile_arguments(self) -> dict[str, Any]:
        return {"recipe": self.recipe, "boundaries": self.boundaries}

    def default_loss(self) -> keras.losses.Loss:
        """The segmentation loss of the recipe."""
        if self.recipe == "released":
            return OhemCrossEntropy(ignore_class=VOID)
        return super().default_loss()

    def extra_loss(self, masks: Any, outputs: dict[str, Any]) -> Any:
        """The weighted boundary losses of all levels."""
        # Made on the device, from the augmented mask.
        target = boundary_band(
            masks,
            # As released, void is foreground.
            void=VOID if self.boundaries == "classes" else None,
            between=self.boundaries,
        )
        size = keras.ops.shape(target)[1:3]
        loss = 0.0
        for logits in outputs["boundary_logits"]:
            if self.backbone.data_format == "channels_first":
                logits = keras.ops.transpose(logits, (0, 2, 3, 1))
            logits = resize(
                keras.ops.cast(logits, "float32"),
                size,
                align_corners=True,
                data_format="channels_last",
            )
            loss += self.boundary_weight * self.boundary_loss(target, logits)
        return loss
