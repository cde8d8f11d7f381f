import keras

from keras_rsseg.layers.point_flow import PointFlow
from keras_rsseg.models.pyramid_context import gather_context
from keras_rsseg.models.pyramid_decoder import add_maps
from keras_rsseg.models.pyramid_decoder import decode_pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PFNetBackbone(SegmentationBackbone):
    """A feature pyramid in which semantics flow through matched points.

    Where an FPN adds the whole coarse map to the lateral one, PFNet replaces
    a few points of the lateral map: the salient and the boundary points that
    `keras_rsseg.layers.PointFlow` matches. As in the released code the
    result is added to the lateral map, which is therefore counted twice
    outside of the points.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5. The
            released network's is `keras_rsseg.encoders.ResNetEncoder(50,
            stem="deep", stackwise_dilations=(1, 1, 2, 4))`.
        fpn_dim: int. Channels of the decoder. Defaults to `256`.
        context: what gathers the context of the coarsest level, see
            `keras_rsseg.models.SemanticFPNBackbone`. Defaults to
            `"pyramid_pooling"`.
        match_dim: int. Channels of the saliency prediction of `PointFlow`.
            Defaults to `64`.
        max_pool_size: int. Salient points a side, 196 points for the default
            `14`. No weight depends on it.
        avg_pool_size: int. Cells a side of the averaged saliency. Defaults to
            `9`.
        num_boundary_points: int. Defaults to `128`.
        matcher_kernel_size: odd int. Kernel of the saliency prediction.
            Defaults to `3`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: `(batch, ceil(height / 4), ceil(width / 4),
        fpn_dim)`, and `"boundary_logits"`: a list of three maps with one
        channel at strides 32, 16 and 8.

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
        match_dim=64,
        max_pool_size=14,
        avg_pool_size=9,
        num_boundary_points=128,
        matcher_kernel_size=3,
        dtype=None,
        **kwargs,
    ):
        point_flow = {
            "match_dim": match_dim,
            "max_pool_size": max_pool_size,
            "avg_pool_size": avg_pool_size,
            "num_boundary_points": num_boundary_points,
            "matcher_kernel_size": matcher_kernel_size,
        }
        options = {"data_format": image_encoder.data_format, "dtype": dtype}
        boundary_logits = []

        def flow_points(level, lateral, coarse):
            flow = PointFlow(
                name=f"point_flow_{level}", **point_flow, **options
            )
            flowed, boundary = flow(lateral, coarse)
            boundary_logits.append(boundary)
            return add_maps(level, lateral, flowed, dtype=dtype)

        # === Functional Model ===
        images, pyramid = self.encode(image_encoder)
        x = gather_context(context, pyramid["P5"], fpn_dim, **options)
        features = decode_pyramid(pyramid, x, flow_points, fpn_dim, **options)
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
        self.point_flow_config = point_flow

    def get_config(self):
        config = super().get_config()
        config.update(
            {
                "fpn_dim": self.fpn_dim,
                "context": self.context,
                **self.point_flow_config,
            }
        )
        return config
