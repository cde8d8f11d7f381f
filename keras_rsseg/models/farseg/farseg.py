from typing import Any

import keras
import keras_hub

from keras_rsseg.layers.foreground_scene_relation import ForegroundSceneRelation
from keras_rsseg.layers.pyramid_ladders import PyramidLadders
from keras_rsseg.losses.focal_loss import ForegroundAwareLoss
from keras_rsseg.models.compiled_task import default_optimizer
from keras_rsseg.models.feature_pyramid import LEVELS
from keras_rsseg.models.feature_pyramid import feature_pyramid
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class FarSegBackbone(SegmentationBackbone):
    """Feature pyramid with levels weighted by their relation to the scene.

    A feature pyramid network makes four levels, and the mean of P5 over all
    pixels describes the scene. Each pixel of each level is weighted by how
    well it fits the scene, see `keras_rsseg.layers.ForegroundSceneRelation`.
    The levels are then brought to the size of P2 and averaged.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5, with
            output stride 32 as published.
        fpn_dim: int. Channels of the pyramid. Defaults to `256`.
        decoder_filters: int. Channels of the decoder. Defaults to `128`.
        classifier_kernel_size: int. Kernel of the task's classifier: 1 as
            released, 3 in torchgeo. Defaults to `1`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of P2, `(batch,
        ceil(height / 4), ceil(width / 4), decoder_filters)`.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = keras_rsseg.models.FarSegBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 16, 16, 128)
    ```

    Reference:
        - [Zheng et al., Foreground-Aware Relation Network for Geospatial
          Object Segmentation, 2020](https://arxiv.org/abs/2011.09766)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        fpn_dim: int = 256,
        decoder_filters: int = 128,
        classifier_kernel_size: int = 1,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        def decode(pyramid: Pyramid, **options: Any) -> keras.KerasTensor:
            scene = keras.layers.GlobalAveragePooling2D(
                keepdims=True, name="scene", **options
            )(pyramid["P5"])
            levels = [
                ForegroundSceneRelation(
                    fpn_dim, name=f"relation_{level}", **options
                )(x, scene)
                for level, x in zip(
                    LEVELS,
                    feature_pyramid(pyramid, fpn_dim, **options),
                    strict=True,
                )
            ]
            return PyramidLadders(
                decoder_filters,
                reduction="mean",
                align_corners=True,
                name="ladders",
                **options,
            )(levels)

        arguments: dict[str, Any] = {
            "fpn_dim": fpn_dim,
            "decoder_filters": decoder_filters,
            "classifier_kernel_size": classifier_kernel_size,
        }
        super().__init__(
            image_encoder,
            decode,
            arguments,
            classifier_kernel_size=classifier_kernel_size,
            dtype=dtype,
            **kwargs,
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class FarSeg(Segmenter):
    """FarSeg: objects found by how well they fit the scene around them.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs. It
    is made for small objects on a large background, as in iSAID.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    model = keras_rsseg.FarSeg(
        keras_rsseg.models.FarSegBackbone(encoder), num_classes=16
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 16)
    ```

    Reference:
        - [Zheng et al., Foreground-Aware Relation Network for Geospatial
          Object Segmentation, 2020](https://arxiv.org/abs/2011.09766)
    """

    backbone_cls = FarSegBackbone

    def compile(
        self,
        optimizer: Any = "auto",
        loss: Any = "auto",
        *,
        metrics: Any = "auto",
        **kwargs: Any,
    ) -> None:
        """Configures training, by default with the released recipe.

        Args:
            optimizer: `"auto"` is SGD with momentum 0.9, learning rate 0.007,
                weight decay, and gradients clipped at a norm of 35.
            loss: `"auto"` is `keras_rsseg.losses.ForegroundAwareLoss`, which
                replaces plain cross-entropy over 10000 steps. `fit()` tells
                it the step; history and logs have the remaining share of
                plain cross-entropy, `"annealing"`.
            metrics: see `keras_rsseg.models.Segmenter.compile`.
            **kwargs: other keyword arguments of `keras.Model.compile`.
        """
        if optimizer == "auto":
            optimizer = default_optimizer(
                learning_rate=0.007, global_clipnorm=35.0
            )
        super().compile(
            optimizer=optimizer, loss=loss, metrics=metrics, **kwargs
        )

    def default_loss(self) -> keras.losses.Loss:
        """Foreground-aware cross-entropy, annealed as released."""
        return ForegroundAwareLoss(gamma=2.0, annealing_steps=10000)
