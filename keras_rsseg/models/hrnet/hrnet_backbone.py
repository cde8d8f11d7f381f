import keras

from keras_rsseg.layers.pyramid_fusion import PyramidFusion
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.ops.data_format import channel_axis


@keras.saving.register_keras_serializable(package="keras_rsseg")
class HRNetBackbone(SegmentationBackbone):
    """HRNetV2's four branches, joined at stride 4 by a 1x1 convolution.

    Args:
        image_encoder: `keras_rsseg.encoders.HRNetEncoder`, or another
            feature pyramid backbone with levels P2 to P5.
        align_corners: bool. How levels and logits are resized. Defaults to
            the encoder's own setting, `True` where it has none.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: `(batch, ceil(height / 4), ceil(width / 4),
        channels)`, as many channels as the encoder's levels together (270
        for W18).

    Example:

    ```python
    encoder = keras_rsseg.encoders.HRNetEncoder(width=18)
    backbone = keras_rsseg.models.HRNetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 16, 16, 270)
    ```

    Reference:
        - [Wang et al., Deep High-Resolution Representation Learning for
          Visual Recognition, 2020](https://arxiv.org/abs/1908.07919)
    """

    encoder_arguments = (*SegmentationBackbone.encoder_arguments, "fusion")

    def __init__(self, image_encoder, align_corners=None, dtype=None, **kwargs):
        if align_corners is None:
            align_corners = getattr(image_encoder, "align_corners", True)

        # === Functional Model ===
        images, pyramid = self.encode(image_encoder)
        levels = [pyramid[name] for name in ("P2", "P3", "P4", "P5")]
        data_format = image_encoder.data_format
        axis = channel_axis(data_format)
        features = PyramidFusion(
            sum(level.shape[axis] for level in levels),
            kernel_size=1,
            use_bias=True,
            align_corners=align_corners,
            data_format=data_format,
            dtype=dtype,
            name="fusion",
        )(levels)
        super().__init__(
            inputs=images,
            outputs={"features": features},
            image_encoder=image_encoder,
            dtype=dtype,
            **kwargs,
        )

        # === Config ===
        self.align_corners = align_corners

    def get_config(self):
        config = super().get_config()
        config["align_corners"] = self.align_corners
        return config
