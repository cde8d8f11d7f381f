from typing import Any

import keras
import keras_hub

from keras_rsseg.layers.pyramid_fusion import PyramidFusion
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.ops.data_format import channel_axis


@keras.saving.register_keras_serializable(package="keras_rsseg")
class HRNetBackbone(SegmentationBackbone):
    """HRNetV2's four branches, joined at stride 4 by a 1x1 convolution.

    Args:
        image_encoder: `keras_rsseg.encoders.HRNetEncoder`, or another
            feature pyramid backbone with levels P2 to P5.
        align_corners: bool. How levels and logits are resized. Defaults to
            the encoder's own setting, or `True` if it has none.
        fusion_bias: bool. Whether the convolution that joins the branches has
            a bias, as in the authors' code but not in mmsegmentation.
            Defaults to `True`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: `(batch, ceil(height / 4), ceil(width / 4),
        channels)`, with as many channels as the encoder's levels together
        (270 for W18).

    Example:

    ```python
    # A light one: the released network has (1, 4, 3) modules.
    encoder = keras_rsseg.encoders.HRNetEncoder(
        width=18, stackwise_num_modules=(1, 1, 1)
    )
    backbone = keras_rsseg.models.HRNetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 16, 16, 270)
    ```

    Reference:
        - [Wang et al., Deep High-Resolution Representation Learning for
          Visual Recognition, 2020](https://arxiv.org/abs/1908.07919)
    """

    encoder_arguments = (*SegmentationBackbone.encoder_arguments, "fusion")

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        align_corners: bool | None = None,
        fusion_bias: bool = True,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        if align_corners is None:
            align_corners = getattr(image_encoder, "align_corners", True)
        arguments: dict[str, Any] = {
            "align_corners": align_corners,
            "fusion_bias": fusion_bias,
        }

        def decode(pyramid: Pyramid, **options: Any) -> keras.KerasTensor:
            levels = [pyramid[name] for name in ("P2", "P3", "P4", "P5")]
            axis = channel_axis(options["data_format"])
            fusion = PyramidFusion(
                sum(level.shape[axis] for level in levels),
                kernel_size=1,
                use_bias=fusion_bias,
                align_corners=align_corners,
                name="fusion",
                **options,
            )
            return fusion(levels)

        super().__init__(
            image_encoder,
            decode,
            arguments,
            align_corners,
            dtype=dtype,
            **kwargs,
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class HRNet(Segmenter):
    """HRNetV2: four parallel resolutions, aligned with or without IFWM.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs. The
    encoder's `fusion` says how its branches are aligned.

    Example:

    ```python
    # The preset that comes with the package, HRNet with IFWM.
    model = keras_rsseg.HRNet.from_preset("hrnet_ifwm_w18_land_cover")
    model.class_names[0]  # "building"

    # A new network, lighter than the released one.
    encoder = keras_rsseg.encoders.HRNetEncoder(
        width=18, stackwise_num_modules=(1, 1, 1)
    )
    model = keras_rsseg.HRNet(
        keras_rsseg.models.HRNetBackbone(encoder), num_classes=6
    )

    # Its weights with IFWM, for further training.
    model.save_to_preset("my_hrnet")
    warped = keras_rsseg.HRNet.from_preset("my_hrnet", fusion="ifwm")
    ```

    Reference:
        - [Wang et al., Deep High-Resolution Representation Learning for
          Visual Recognition, 2020](https://arxiv.org/abs/1908.07919)
        - [Zhang et al., Improved-Flow Warp Module for Remote Sensing Semantic
          Segmentation, 2022](https://arxiv.org/abs/2205.04160) (IFWM)
    """

    backbone_cls = HRNetBackbone

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "HRNet":
        # `from_preset(fusion=...)` is meant for the encoder.
        config = config.copy()
        fusion = config.pop("fusion", None)
        if fusion is not None:
            backbone = config["backbone"]
            inner = {**backbone["config"], "fusion": fusion}
            config["backbone"] = {**backbone, "config": inner}
        return super().from_config(config)
