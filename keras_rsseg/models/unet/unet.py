from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import is_integer
from keras_rsseg.encoders.preactivated_blocks import join_channels
from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.resize_like import ResizeLike
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter

# From coarse to fine; only the size of P0, the image, is used.
_LEVELS = ("P4", "P3", "P2", "P1", "P0")


@keras.saving.register_keras_serializable(package="keras_rsseg")
class UNetBackbone(SegmentationBackbone):
    """U-Net's decoder: from the coarsest level up to every pixel.

    As in segmentation_models_pytorch, each block enlarges the map from below
    to the size of the next finer level by repeating pixels, appends that
    level's channels, and convolves both twice. The last block has the size of
    the image, and no level.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5, and P1
            in the published form: `finest_level="P1"`. Without P1 the block
            at stride 2 is omitted.
        decoder_filters: tuple of 5 ints. Channels of the blocks of P4, P3,
            P2, P1 and of the image. Defaults to `(256, 128, 64, 32, 16)`.
        classifier_kernel_size: int. Kernel of the task's classifier. Defaults
            to `3`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`: a map of the size of the image with the last
        of `decoder_filters` channels.

    Raises:
        ArgumentError: `decoder_filters` are not 5 positive integers.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18, finest_level="P1")
    backbone = keras_rsseg.models.UNetBackbone(encoder)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 64, 64, 16)
    ```

    Reference:
        - [Ronneberger et al., U-Net, 2015](https://arxiv.org/abs/1505.04597)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        decoder_filters: Sequence[int] = (256, 128, 64, 32, 16),
        classifier_kernel_size: int = 3,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        _check_filters(decoder_filters)
        arguments: dict[str, Any] = {
            "decoder_filters": tuple(decoder_filters),
            "classifier_kernel_size": classifier_kernel_size,
        }

        def decode(pyramid: Pyramid, **options: Any) -> keras.KerasTensor:
            x = pyramid["P5"]
            for level, filters in zip(_LEVELS, decoder_filters, strict=True):
                if level in pyramid:
                    x = _decode_level(level, pyramid, x, filters, **options)
            return x

        super().__init__(
            image_encoder,
            decode,
            arguments,
            classifier_kernel_size=classifier_kernel_size,
            dtype=dtype,
            **kwargs,
        )


def _check_filters(decoder_filters: Sequence[int]) -> None:
    if len(decoder_filters) != len(_LEVELS) or not all(
        is_integer(filters) and filters > 0 for filters in decoder_filters
    ):
        raise ArgumentError(
            f"`decoder_filters` must be {len(_LEVELS)} positive integers, for "
            f"the blocks of {', '.join(_LEVELS)}. Received: "
            f"decoder_filters={decoder_filters}"
        )


def _decode_level(
    level: str,
    pyramid: Pyramid,
    x: keras.KerasTensor,
    filters: int,
    **options: Any,
) -> keras.KerasTensor:
    """Bring a map to the size of a finer level, and join that level."""
    resize = ResizeLike("nearest", name=f"resize_{level}", **options)
    x = resize(pyramid[level], x)
    if level != "P0":
        x = join_channels(f"concatenate_{level}", x, pyramid[level], **options)
    for conv in (1, 2):
        name = f"decoder_{level}_conv{conv}"
        x = ConvBNReLU(filters, 3, name=name, **options)(x)
    return x


@keras.saving.register_keras_serializable(package="keras_rsseg")
class UNet(Segmenter):
    """U-Net: a decoder that joins every level of the encoder, up to the image.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs. It
    classifies at full resolution; nothing is resized afterwards.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18, finest_level="P1")
    model = keras_rsseg.UNet(
        keras_rsseg.models.UNetBackbone(encoder), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Ronneberger et al., U-Net, 2015](https://arxiv.org/abs/1505.04597)
    """

    backbone_cls = UNetBackbone
