import keras

from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.point_matcher import FLOWS
from keras_rsseg.layers.point_matcher import standardize_flows
from keras_rsseg.models.pfnet.alignments import ALIGNMENTS
from keras_rsseg.models.pfnet.alignments import align_maps
from keras_rsseg.models.pyramid_context import gather_context
from keras_rsseg.models.pyramid_decoder import LEVELS
from keras_rsseg.models.pyramid_decoder import add_maps
from keras_rsseg.models.pyramid_decoder import decode_pyramid
from keras_rsseg.models.pyramid_decoder import resize_map
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone

_DIRECTIONS = ("top_down", "bottom_up", "both")


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PFNetBackbone(SegmentationBackbone):
    """A feature pyramid in which semantics flow through matched points.

    Where an FPN adds the whole coarse map to the lateral one, PFNet replaces
    a few points of the lateral map: the salient and the boundary points that
    `keras_rsseg.layers.PointFlow` matches. As in the released code the
    result is added to the lateral map, which is therefore counted twice
    outside of the points.

    The arguments are the comparisons of the paper's Table 2. Its rows without
    a module are `keras_rsseg.models.SemanticFPNBackbone`, with
    `context=None` (FPN) or `"pyramid_pooling"` (FPN with PPM).

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5. The
            released network's is `keras_rsseg.encoders.ResNetEncoder(50,
            stem="deep", stackwise_dilations=(1, 1, 2, 4))`.
        fpn_dim: int. Channels of the decoder. Defaults to `256`.
        context: what gathers the context of the coarsest level, see
            `keras_rsseg.models.SemanticFPNBackbone`. Defaults to
            `"pyramid_pooling"`.
        alignment: what brings a coarse map to the lateral one, to which the
            result is added (Table 2c): `"point_flow"`; `"flow_alignment"`,
            which makes the network an SFNet; `"deformable_conv"` or
            `"modulated_deformable_conv"` (DCNv1, v2), a 3x3 one of the
            coarse map after it was resized, offsets from this map alone; or
            `"dense_affinity"`, whose memory grows with the fourth power of
            the side of the tile. The arguments from `match_dim` on are of
            `"point_flow"` alone. Defaults to `"point_flow"`.
        levels: at which of `"P4"`, `"P3"` and `"P2"` the alignment is
            (Table 2b): where the map of that level and the next coarser one
            meet. Elsewhere the coarse map is resized, as in
            `SemanticFPNBackbone`. Defaults to all three.
        direction: in which direction semantics flow (Table 2e).
            `"top_down"`, from P5 to P2. `"bottom_up"`, from P2 to P5: the
            finer map is resized to the size of the coarser one, corners
            aligned, and changes places with it, so that its points replace
            points of the coarser map. It starts from the lateral maps and
            the context. Or `"both"`: bottom-up with modules of its own, from
            the maps that top-down gave. Defaults to `"top_down"`.
        match_dim: int. Channels of the saliency prediction of `PointFlow`.
            Defaults to `64`.
        max_pool_size: int. Salient points a side, 196 points for the default
            `14`. No weight depends on it.
        avg_pool_size: int. Cells a side of the averaged saliency. Defaults to
            `9`.
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
        `PointFlow` in the order of the flow. By default three, at strides
        32, 16 and 8; none where no boundary points flow.

    Raises:
        ValueError: `alignment`, `levels` or `direction` is not one of the
            above.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        50, stem="deep", stackwise_dilations=(1, 1, 2, 4)
    )
    backbone = keras_rsseg.models.PFNetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 16, 16, 256)
    ```

    Reference:
        - [Li et al., PointFlow: Flowing Semantics Through Points for Aerial
          Image Segmentation, 2021](https://arxiv.org/abs/2103.06564)
    """

    align_corners = True

    def __init__(
        self,
        image_encoder,
        fpn_dim=256,
        context="pyramid_pooling",
        alignment="point_flow",
        levels=LEVELS,
        direction="top_down",
        match_dim=64,
        max_pool_size=14,
        avg_pool_size=9,
        num_boundary_points=128,
        matcher_kernel_size=3,
        flows=FLOWS,
        salient_sampler="max_pool",
        boundary_from="subtraction",
        point_sampling="released",
        saliency_from="reduced",
        seed=0,
        dtype=None,
        **kwargs,
    ):
        levels = _standardize_levels(levels)
        _check_choice("alignment", alignment, ALIGNMENTS)
        _check_choice("direction", direction, _DIRECTIONS)
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
        options = {"data_format": image_encoder.data_format, "dtype": dtype}
        boundary_logits = []

        def join(level, fine, coarse, name=None):
            name = name or level
            if level in levels:
                aligned, logits = align_maps(
                    alignment, name, fine, coarse, point_flow, **options
                )
                if logits is not None:
                    boundary_logits.append(logits)
            else:
                aligned = resize_map(name, fine, coarse, **options)
            return add_maps(name, fine, aligned, dtype=dtype)

        def join_up(level, coarse, fine):
            name = f"up_{level}"
            fine = resize_map(f"before_{name}", coarse, fine, **options)
            return join(level, coarse, fine, name)

        # === Functional Model ===
        images, pyramid = self.encode(image_encoder)
        x = gather_context(context, pyramid["P5"], fpn_dim, **options)
        features = decode_pyramid(
            pyramid,
            x,
            None if direction == "bottom_up" else join,
            fpn_dim,
            None if direction == "top_down" else join_up,
            **options,
        )
        super().__init__(
            inputs=images,
            outputs={
                "features": features,
                "boundary_logits": boundary_logits,
            },
            image_encoder=image_encoder,
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.fpn_dim = fpn_dim
        self.context = context
        self.alignment = alignment
        self.levels = levels
        self.direction = direction
        self.point_flow_config = point_flow

    def get_config(self):
        config = super().get_config()
        config.update(
            {
                "fpn_dim": self.fpn_dim,
                "context": self.context,
                "alignment": self.alignment,
                "levels": self.levels,
                "direction": self.direction,
                **self.point_flow_config,
            }
        )
        return config


def _standardize_levels(levels):
    levels = (levels,) if isinstance(levels, str) else tuple(levels)
    if set(levels) - set(LEVELS):
        raise ArgumentError(
            f"`levels` must be some of {LEVELS}. Received: levels={levels!r}"
        )
    return tuple(level for level in LEVELS if level in levels)


def _check_choice(name, value, choices):
    if value not in choices:
        raise ArgumentError(
            f"`{name}` must be one of {choices}. Received: {name}={value!r}"
        )
