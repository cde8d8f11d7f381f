from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import check_choice
from keras_rsseg.encoders.preactivated_blocks import join_channels
from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.relation import ChannelRelation
from keras_rsseg.layers.relation import SpatialRelation
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter

_RELATIONS = ("serial", "parallel")
# The levels besides P3, whose relations are the features.
_LEVELS = ("P4", "P5")


@keras.saving.register_keras_serializable(package="keras_rsseg")
class RANetBackbone(SegmentationBackbone):
    """Relations of channels and of pixels on three levels of an encoder.

    Its authors published no code. Details that the paper leaves open are this
    package's reading: levels are taken before their pools, the axis of the
    softmax (see `keras_rsseg.layers.ChannelRelation`), and parallel parts are
    concatenated.

    The network is bound to one tile size, which the encoder must state: every
    pixel has a channel for each other pixel. The paper trains on tiles of
    256 x 256; one of 512 x 512 takes more than 1 GiB.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5, built
            with `image_shape`; only P3, P4 and P5 are used. The paper has
            `keras_rsseg.encoders.VGGEncoder(levels_from="blocks")`.
        relation: `"serial"`, pixel relations of the result of channel
            relations, or `"parallel"`, both of the level, concatenated.
            Defaults to `"serial"`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised, of
            the size that the encoder states.

    Returns:
        A dict with `"features"`, `"P4"` and `"P5"`: the relations of P3, of
        P4 and of P5.

    Raises:
        ArgumentError: the encoder states no height and width, or `relation`
            is neither.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18, image_shape=(64, 64, 3))
    backbone = keras_rsseg.models.RANetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 8, 8, 192)
    ```

    Reference:
        - [Mou et al., A Relation-Augmented Fully Convolutional Network for
          Semantic Segmentation in Aerial Scenes, 2019](
          https://arxiv.org/abs/1904.05730)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        relation: str = "serial",
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_choice("relation", relation, _RELATIONS)

        def decode(pyramid: Pyramid, **options: Any) -> dict[str, Any]:
            _check_size(pyramid["P0"])
            found = {
                level: _relate(pyramid[level], level, relation, **options)
                for level in ("P3", *_LEVELS)
            }
            return {"features": found.pop("P3"), **found}

        super().__init__(
            image_encoder,
            decode,
            {"relation": relation},
            align_corners=False,
            dtype=dtype,
            **kwargs,
        )


def _check_size(images: keras.KerasTensor) -> None:
    if None in images.shape[1:]:
        raise ArgumentError(
            "`image_encoder` must state the tile size, to which RANet is "
            "bound, such as image_shape=(256, 256, 3). Received one for images "
            f"of the shape {tuple(images.shape[1:])}"
        )


def _relate(
    x: keras.KerasTensor, level: str, relation: str, **options: Any
) -> keras.KerasTensor:
    of_channels = ChannelRelation(name=f"channel_relation_{level}", **options)
    of_pixels = SpatialRelation(name=f"spatial_relation_{level}", **options)
    if relation == "serial":
        return of_pixels(of_channels(x))
    return join_channels(
        f"relations_{level}", of_pixels(x), of_channels(x), **options
    )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class RANet(Segmenter):
    """Relation-augmented FCN: how all channels and all pixels relate.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs. All
    tiles must have the size that the encoder states, so
    `keras_rsseg.predict_scene` needs it as `tile_size`. Its authors published
    no code: see `keras_rsseg.models.RANetBackbone` for what this package
    defines. Three levels have a classifier each; their logits are summed at
    the size of the tile.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18, image_shape=(64, 64, 3))
    model = keras_rsseg.RANet(
        keras_rsseg.models.RANetBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Mou et al., A Relation-Augmented Fully Convolutional Network for
          Semantic Segmentation in Aerial Scenes, 2019](
          https://arxiv.org/abs/1904.05730)
    """

    backbone_cls = RANetBackbone
    # Each channel of the relation maps stands for a pixel.
    is_bound_to_size = True

    def make_head(self, num_classes: int) -> None:
        self.level_classifiers = [
            keras.layers.Conv2D(
                num_classes,
                1,
                data_format=self.backbone.data_format,
                dtype=self.backbone.dtype_policy,
                name=f"classifier_{level}",
            )
            for level in _LEVELS
        ]

    def connect_head(
        self, tiles: keras.KerasTensor, outputs: dict[str, Any]
    ) -> keras.KerasTensor:
        logits = [super().connect_head(tiles, outputs)]
        for level, classifier in zip(
            _LEVELS, self.level_classifiers, strict=True
        ):
            scores = self.channels_last(classifier(outputs.pop(level)))
            logits.append(self.upsample(tiles, scores))
        return keras.layers.Add(dtype="float32", name="sum")(logits)

    def reorder_classes(self, order: Sequence[int]) -> None:
        self._reorder(order, self.classifier, *self.level_classifiers)
