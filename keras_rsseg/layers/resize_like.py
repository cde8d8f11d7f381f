"""One map resized to the size of another."""

from typing import Any

import keras

from keras_rsseg.checks import check_positive
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.resize import resize
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Interpolation
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ResizeLike(keras.layers.Layer):
    """Resizes a coarse map to the height and width of a fine one.

    Args:
        interpolation: `"bilinear"` or `"nearest"`. Defaults to `"bilinear"`.
        align_corners: bool. Whether the corner pixels of both maps coincide
            (else the outer borders do), see `keras_rsseg.ops.resize`.
            Defaults to `False`.
        factor: int. Factor by which to enlarge the coarse map before it is
            resized to the fine one's size, as in mmsegmentation's HRNet. The
            second bilinear resize changes nothing if the sizes differ by
            this very factor. Defaults to `1`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        fine: tensor `(batch, height, width, any)`. Only its size is used.
        coarse: tensor `(batch, h, w, channels)`.

    Returns:
        `coarse`, resized to `(batch, height, width, channels)`.

    Example:

    ```python
    fine, coarse = np.zeros((1, 25, 17, 3)), np.ones((1, 13, 9, 8))
    keras_rsseg.layers.ResizeLike()(fine, coarse).shape  # (1, 25, 17, 8)
    ```
    """

    def __init__(
        self,
        interpolation: Interpolation = "bilinear",
        align_corners: bool = False,
        factor: int = 1,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.interpolation = interpolation
        self.align_corners = align_corners
        self.factor = check_positive("factor", factor)
        self.data_format = standardize_data_format(data_format)

    def build(self, fine_shape: Shape, coarse_shape: Shape) -> None:
        pass

    def call(self, fine: Tensor, coarse: Tensor) -> Tensor:
        size = spatial_size(fine, self.data_format)
        if self.factor > 1:
            enlarged = tuple(
                length * self.factor
                for length in spatial_size(coarse, self.data_format)
            )
            coarse = self._resize(coarse, enlarged)
            if _is_known(enlarged) and enlarged == tuple(size):
                return coarse
        return self._resize(coarse, size)

    def _resize(self, maps, size):
        return resize(
            maps,
            size,
            interpolation=self.interpolation,
            align_corners=self.align_corners,
            data_format=self.data_format,
        )

    def compute_output_shape(
        self, fine_shape: Shape, coarse_shape: Shape
    ) -> Shape:
        if self.data_format == "channels_first":
            return (*coarse_shape[:2], *fine_shape[2:])
        return (coarse_shape[0], *fine_shape[1:3], coarse_shape[3])

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "interpolation": self.interpolation,
                "align_corners": self.align_corners,
                "factor": self.factor,
                "data_format": self.data_format,
            }
        )
        return config


def _is_known(size):
    return all(isinstance(length, int) for length in size)
