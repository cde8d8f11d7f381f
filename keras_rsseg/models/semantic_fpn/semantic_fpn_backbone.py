import keras

from keras_rsseg.models.pyramid_context import gather_context
from keras_rsseg.models.pyramid_decoder import add_maps
from keras_rsseg.models.pyramid_decoder import decode_pyramid
from keras_rsseg.models.pyramid_decoder import resize_map
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone


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
            have an encoder of output stride 8 and `fpn_dim=128`); or `None`
            for a 1x1 convolution, as in a plain FPN. Defaults to
            `"pyramid_pooling"`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P2, `(batch,
        ceil(height / 4), ceil(width / 4), fpn_dim)`.

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

    align_corners = True

    def __init__(
        self,
        image_encoder,
        fpn_dim=256,
        context="pyramid_pooling",
        dtype=None,
        **kwargs,
    ):
        options = {"data_format": image_encoder.data_format, "dtype": dtype}

        def add_resized(level, lateral, coarse):
            resized = resize_map(level, lateral, coarse, **options)
            return add_maps(level, lateral, resized, dtype=dtype)

        # === Functional Model ===
        images, pyramid = self.encode(image_encoder)
        x = gather_context(context, pyramid["P5"], fpn_dim, **options)
        features = decode_pyramid(pyramid, x, add_resized, fpn_dim, **options)
        super().__init__(
            inputs=images,
            outputs={"features": features},
            image_encoder=image_encoder,
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.fpn_dim = fpn_dim
        self.context = context

    def get_config(self):
        config = super().get_config()
        config.update({"fpn_dim": self.fpn_dim, "context": self.context})
        return config
