from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import check_choice
from keras_rsseg.layers.conv2d import Conv2D
from keras_rsseg.models.pyramid_decoder import add_maps
from keras_rsseg.models.pyramid_decoder import resize_map
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.ops.data_format import channel_axis

_PYRAMID = ("P5", "P4", "P3", "P2")
# Residual units before and after the maps are joined and pooled, and above
# the last block; whether a unit adds to its rectified input.
_LAYOUTS: dict[str, dict[str, Any]] = {
    "pfnet": {
        "coarse_units": 2,
        "num_poolings": 3,
        "output_units": 1,
        "final_units": 2,
        "rectify": True,
    },
    "published": {
        "coarse_units": 0,
        "num_poolings": 4,
        "output_units": 3,
        "final_units": 0,
        "rectify": False,
    },
}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class RefineNetBackbone(SegmentationBackbone):
    """Refines a map from P5 down to P2, block by block.

    Each block applies residual units to the encoder's map, adds the map from
    above, and gathers context with consecutive max pools of 5x5 pixels. There
    is no batch normalization outside the encoder.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5.
        filters: int. Channels of the decoder; the coarsest block has twice as
            many. Defaults to `256`.
        layout: `"pfnet"`, the network with which PFNet was compared, or
            `"published"`, that of the authors' weights, with one more pool
            in each block, residual units after the join instead of before
            it, none above the last block, and a 3x3 classifier. Defaults to
            `"pfnet"`.
        dropout: float in [0, 1). Share of the values of P5, of P4 and of the
            features to drop in training. Defaults to `0.5` in the published
            layout and to `0` in the other.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised, of
            any size: maps are resized to the next finer one.

    Returns:
        A dict with `"features"`: a map of the size of P2, `(batch,
        ceil(height / 4), ceil(width / 4), filters)`.

    Raises:
        ArgumentError: `layout` is neither of these.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = keras_rsseg.models.RefineNetBackbone(encoder, filters=64)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 16, 16, 64)
    ```

    Reference:
        - [Lin et al., RefineNet: Multi-Path Refinement Networks for
          High-Resolution Semantic Segmentation, 2016](
          https://arxiv.org/abs/1611.06612)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 256,
        layout: str = "pfnet",
        dropout: float | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_choice("layout", layout, tuple(_LAYOUTS))
        published = layout == "published"
        if dropout is None:
            dropout = 0.5 if published else 0.0
        arguments: dict[str, Any] = {
            "filters": filters,
            "layout": layout,
            "dropout": dropout,
        }

        def decode(pyramid: Pyramid, **options: Any) -> keras.KerasTensor:
            return _decode(
                pyramid, filters, dropout, **_LAYOUTS[layout], **options
            )

        super().__init__(
            image_encoder,
            decode,
            arguments,
            classifier_kernel_size=3 if published else 1,
            dtype=dtype,
            **kwargs,
        )


def _decode(
    pyramid: Pyramid,
    filters: int,
    dropout: float,
    coarse_units: int,
    num_poolings: int,
    output_units: int,
    final_units: int,
    rectify: bool,
    **options: Any,
) -> keras.KerasTensor:
    def drop(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        layer = keras.layers.Dropout(
            dropout, dtype=options["dtype"], name=f"dropout_{name}"
        )
        return layer(x)

    def units(x: keras.KerasTensor, number: int, name: str) -> Any:
        for index in range(1, number + 1):
            x = _residual_unit(x, rectify, f"{name}{index}", **options)
        return x

    coarse = None
    for level in _PYRAMID:
        x = pyramid[level]
        if level in ("P5", "P4"):
            x = drop(x, level)
        width = 2 * filters if level == "P5" else filters
        x = _conv(x, width, f"reduce_{level}", **options)
        x = units(x, 2, f"input_{level}_unit")
        if coarse is not None:
            coarse = units(coarse, coarse_units, f"coarse_{level}_unit")
            coarse = _conv(coarse, filters, f"coarse_{level}", **options)
            x = _conv(x, filters, f"fine_{level}", **options)
            coarse = resize_map(level, x, coarse, **options)
            x = add_maps(level, x, coarse, dtype=options["dtype"])
        x = _chained_pooling(x, num_poolings, f"pooling_{level}", **options)
        coarse = units(x, output_units, f"output_{level}_unit")
    return drop(units(coarse, final_units, "final_unit"), "features")


def _conv(
    x: keras.KerasTensor,
    filters: int,
    name: str,
    use_bias: bool = False,
    is_residual: bool = False,
    **options: Any,
) -> keras.KerasTensor:
    # Nothing is normalised here. Whatever is added to a map has to start
    # small, or the sums grow from block to block and training diverges.
    small = keras.initializers.RandomNormal(stddev=0.01)
    conv = Conv2D(
        filters,
        3,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=small if is_residual else "glorot_uniform",
        name=name,
        **options,
    )
    return conv(x)


def _relu(x: keras.KerasTensor, name: str, **options: Any) -> Any:
    return keras.layers.ReLU(dtype=options["dtype"], name=name)(x)


def _residual_unit(
    x: keras.KerasTensor, rectify: bool, name: str, **options: Any
) -> keras.KerasTensor:
    """Two 3x3 convolutions, each after a ReLU, beside the identity."""
    filters = x.shape[channel_axis(options["data_format"])]
    rectified = _relu(x, f"{name}_relu1", **options)
    y = _conv(rectified, filters, f"{name}_conv1", use_bias=True, **options)
    y = _relu(y, f"{name}_relu2", **options)
    y = _conv(y, filters, f"{name}_conv2", is_residual=True, **options)
    # The ReLU in PFNet's code is in-place, so its result is what is added.
    identity = rectified if rectify else x
    return add_maps(name, identity, y, dtype=options["dtype"])


def _chained_pooling(
    x: keras.KerasTensor, number: int, name: str, **options: Any
) -> keras.KerasTensor:
    """Chained max pools, each added to the rectified map."""
    filters = x.shape[channel_axis(options["data_format"])]
    maps = [_relu(x, f"{name}_relu", **options)]
    for index in range(1, number + 1):
        pooled = keras.layers.MaxPooling2D(
            5, 1, padding="same", name=f"{name}_pool{index}", **options
        )(maps[-1])
        maps.append(
            _conv(
                pooled,
                filters,
                f"{name}_conv{index}",
                is_residual=True,
                **options,
            )
        )
    return add_maps(name, *maps, dtype=options["dtype"])


@keras.saving.register_keras_serializable(package="keras_rsseg")
class RefineNet(Segmenter):
    """RefineNet: residual units and chained pools from coarse to fine.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    model = keras_rsseg.RefineNet(
        keras_rsseg.models.RefineNetBackbone(encoder, filters=64),
        num_classes=6,
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Lin et al., RefineNet: Multi-Path Refinement Networks for
          High-Resolution Semantic Segmentation, 2016](
          https://arxiv.org/abs/1611.06612)
    """

    backbone_cls = RefineNetBackbone
