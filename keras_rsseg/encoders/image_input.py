import keras

from keras_rsseg.errors import ArgumentError


def image_input(image_shape, data_format):
    """Return the input of an encoder.

    Args:
        image_shape: tuple `(height, width, bands)`, in this order for either
            data format.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        KerasTensor named `"images"`.

    Raises:
        ValueError: `image_shape` has not three entries, or no band count.
    """
    image_shape = tuple(image_shape)
    if len(image_shape) != 3 or image_shape[2] is None:
        raise ArgumentError(
            "`image_shape` must be (height, width, bands), of which height "
            f"and width may be None. Received: image_shape={image_shape}"
        )
    if data_format == "channels_first":
        image_shape = (image_shape[2], *image_shape[:2])
    return keras.layers.Input(shape=image_shape, name="images")
