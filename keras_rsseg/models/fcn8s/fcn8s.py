from collections.abc import Sequence
from typing import Any

import keras
import keras_hub
import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.conv2d import Conv2D
from keras_rsseg.layers.crop_like import CropLike
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.ops.data_format import first_spatial_axis

_LEVELS = ("P4", "P3")
# First row to keep of the maps of P4, P3 and the tile, which are larger than
# the maps they are joined with because the image was padded.
_PADDED_OFFSETS = {"P4": 5, "P3": 9, "tile": 31}
# If the image was not padded, the upsampled map is the larger one.
_UPSAMPLING = {"P4": 2, "P3": 2, "tile": 8}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class FCN8sBackbone(SegmentationBackbone):
    """The convolutions of FCN-8s that were VGG's fully connected layers.

    Args:
        image_encoder: a feature pyramid backbone with levels P2 to P5. The
            published network has `keras_rsseg.encoders.VGGEncoder(
            first_padding=100)`, which takes about twice the time on tiles of
            512 pixels: the borders of its maps are cut off, and the 7x7
            convolution is not padded. With any other encoder it is padded,
            and maps are aligned at their borders.
        filters: int. Channels of both convolutions. Defaults to `4096`.
        dropout: float in [0, 1). Share of their channels to drop in training.
            Defaults to `0.5`.
        dtype: dtype policy of the layers.
        **kwargs: other keyword arguments of `keras.Model`.

    Call arguments:
        images: float tensor `(batch, height, width, bands)`, normalised.

    Returns:
        A dict with `"features"`, a map of the size of P5 with `filters`
        channels, and the encoder's `"P4"` and `"P3"`.

    Raises:
        ArgumentError: P3, P4 and P5 are not at strides 8, 16 and 32.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = keras_rsseg.models.FCN8sBackbone(encoder, filters=256)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 2, 2, 256)
    ```

    Reference:
        - [Shelhamer et al., Fully Convolutional Networks for Semantic
          Segmentation, 2016](https://arxiv.org/abs/1605.06211)
    """

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        filters: int = 4096,
        dropout: float = 0.5,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        padded = getattr(image_encoder, "first_padding", 1) > 1
        if not padded:
            _check_strides(image_encoder)

        def decode(pyramid: Pyramid, **options: Any) -> dict[str, Any]:
            x = pyramid["P5"]
            for name, kernel_size in (("fc6", 7), ("fc7", 1)):
                x = Conv2D(
                    filters,
                    kernel_size,
                    padding="valid" if padded else "same",
                    activation="relu",
                    kernel_initializer="he_normal",
                    name=name,
                    **options,
                )(x)
                x = keras.layers.SpatialDropout2D(
                    dropout, name=f"{name}_dropout", **options
                )(x)
            return {"features": x, "P4": pyramid["P4"], "P3": pyramid["P3"]}

        arguments: dict[str, Any] = {"filters": filters, "dropout": dropout}
        super().__init__(
            image_encoder, decode, arguments, dtype=dtype, **kwargs
        )
        self.is_padded = padded


def _check_strides(image_encoder: Any) -> None:
    shape = [size or 256 for size in image_encoder.input_shape]
    levels = image_encoder.compute_output_shape((1, *shape[1:]))
    row = first_spatial_axis(image_encoder.data_format)
    sizes = [levels[name][row] for name in ("P3", "P4", "P5")]
    # Sizes may be rounded up or down.
    if any(
        not shape[row] // stride <= size <= -(-shape[row] // stride)
        for size, stride in zip(sizes, (8, 16, 32), strict=True)
    ):
        strides = [shape[row] // max(size, 1) for size in sizes]
        raise ArgumentError(
            "`image_encoder` must have its levels P3, P4 and P5 at strides 8, "
            "16 and 32, without dilation in place of strides. Received "
            f"one with strides {strides}"
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class FCN8s(Segmenter):
    """FCN-8s: class scores of three levels, summed from coarse to fine.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    P5, P4 and P3 have a classifier each. Learned transposed convolutions,
    which start bilinear, bring their scores to the next finer level and the
    sum to the tile.

    `compile()` without arguments trains with the cross-entropy and the
    optimizer of the other systems. The published recipe (a sum over pixels,
    learning rate 1e-14, momentum 0.99) continues from the weights of an
    FCN-16s and learns nothing from others.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    model = keras_rsseg.FCN8s(
        keras_rsseg.models.FCN8sBackbone(encoder, filters=256), num_classes=6
    )
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    model.predict(tiles, verbose=0).shape  # (1, 64, 64, 6)
    ```

    Reference:
        - [Shelhamer et al., Fully Convolutional Networks for Semantic
          Segmentation, 2016](https://arxiv.org/abs/1605.06211)
    """

    backbone_cls = FCN8sBackbone

    def make_head(self, num_classes: int) -> None:
        options: dict[str, Any] = {
            "data_format": self.backbone.data_format,
            "dtype": self.backbone.dtype_policy,
        }
        self.level_classifiers = [
            keras.layers.Conv2D(
                num_classes, 1, name=f"classifier_{level}", **options
            )
            for level in _LEVELS
        ]
        self.upsampling = [
            keras.layers.Conv2DTranspose(
                num_classes,
                2 * strides,
                strides=strides,
                use_bias=False,
                kernel_initializer=BilinearKernel(),
                name=f"upsample_{name}",
                **options,
            )
            for name, strides in _UPSAMPLING.items()
        ]

    def connect_head(
        self, tiles: keras.KerasTensor, outputs: dict[str, Any]
    ) -> keras.KerasTensor:
        scores = self.classifier(outputs["features"])
        *upsampling, to_tile = self.upsampling
        for level, classifier, upsample in zip(
            _LEVELS, self.level_classifiers, upsampling, strict=True
        ):
            fine = classifier(outputs.pop(level))
            scores = self._sum(upsample(scores), fine, level)
        crop = CropLike(
            self._offset("tile"),
            data_format="channels_last",
            # Softmax and loss need float32 even under mixed precision.
            dtype="float32",
            name="crop_tile",
        )
        return crop(tiles, self.channels_last(to_tile(scores)))

    def _sum(
        self, scores: keras.KerasTensor, fine: keras.KerasTensor, level: str
    ) -> keras.KerasTensor:
        """Add two maps of different sizes where they overlap."""
        dtype = self.backbone.dtype_policy
        crop = CropLike(
            self._offset(level),
            data_format=self.backbone.data_format,
            dtype=dtype,
            name=f"crop_{level}",
        )
        if self.backbone.is_padded:
            fine = crop(scores, fine)
        else:
            scores = crop(fine, scores)
        add = keras.layers.Add(dtype=dtype, name=f"add_{level}")
        return add([scores, fine])

    def _offset(self, name: str) -> int:
        if self.backbone.is_padded:
            return _PADDED_OFFSETS[name]
        return _UPSAMPLING[name] // 2

    def reorder_classes(self, order: Sequence[int]) -> None:
        self._reorder(order, self.classifier, *self.level_classifiers)
        for layer in self.upsampling:
            # Its kernel maps every class to every class.
            kernel = keras.ops.convert_to_numpy(layer.kernel)
            layer.kernel.assign(kernel[:, :, order][..., order])


@keras.saving.register_keras_serializable(package="keras_rsseg")
class BilinearKernel(keras.initializers.Initializer):
    """Kernel of a transposed convolution that interpolates bilinearly.

    Each channel is interpolated separately.

    Example:

    ```python
    kernel = keras_rsseg.models.fcn8s.fcn8s.BilinearKernel()((4, 4, 1, 1))
    kernel[:, 0, 0, 0]  # [0.0625, 0.1875, 0.1875, 0.0625]
    ```
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        size, _, outputs, inputs = shape
        center = (size - 1) / 2
        line = 1 - np.abs(np.arange(size) - center) / ((size + 1) // 2)
        kernel = np.outer(line, line)[:, :, None, None] * np.eye(
            outputs, inputs
        )
        return keras.ops.convert_to_tensor(kernel, dtype or "float32")
