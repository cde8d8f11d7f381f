import keras_hub

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


class TileConverter(keras_hub.layers.ImageConverter):
    """Base of the image converters: what a network expects of a tile.

    Tiles are never resized, only normalised: `tile * scale + offset`. Beside
    the normalisation a converter says which bands it was fitted to and at
    which resolution, so that `keras_rsseg.predict_scene` can check the scene
    it is given.

    Args:
        scale: float or one float a band. Defaults to ImageNet's
            normalisation of three bands from 0 to 255.
        offset: float or one float a band, likewise.
        bands: tuple of strings. Names of the bands, in order. Defaults to
            red, green, blue.
        ground_sample_distance: float, metres a pixel of the tiles that the
            network was trained on, or `None` where this is not known.
        value_range: `(low, high)`, the values that the bands of a tile can
            have before they are normalised. Give it where they are not 8-bit:
            a scene of another range is then refused, not mapped wrongly.
            `None` where this is not known.
        **kwargs: other keyword arguments of
            `keras_hub.layers.ImageConverter`.

    Example:

    ```python
    converter = keras_rsseg.models.HRNetImageConverter()
    converter(np.full((1, 8, 8, 3), 255, "uint8"))[0, 0, 0]  # 2.2, 2.4, 2.6
    ```
    """

    def __init__(
        self,
        scale=None,
        offset=None,
        bands=("red", "green", "blue"),
        ground_sample_distance=None,
        value_range=(0, 255),
        **kwargs,
    ):
        if scale is None and offset is None:
            scale = [1 / (255 * std) for std in _IMAGENET_STD]
            offset = [
                -mean / std
                for mean, std in zip(_IMAGENET_MEAN, _IMAGENET_STD, strict=True)
            ]
        # Tiles are channels-last, whatever the global setting.
        kwargs.setdefault("data_format", "channels_last")
        super().__init__(scale=scale, offset=offset, **kwargs)
        self.bands = tuple(bands)
        self.ground_sample_distance = ground_sample_distance
        self.value_range = value_range and tuple(value_range)

    @classmethod
    def for_bands(cls, num_bands):
        """Return the converter of an image with that many 8-bit bands.

        Args:
            num_bands: int. 3 bands are taken for red, green and blue.

        Returns:
            A converter with ImageNet's normalisation for 3 bands; for any
            other number one that maps 0..255 to 0..1.
        """
        if num_bands == 3:
            return cls()
        names = [f"band_{index + 1}" for index in range(num_bands)]
        return cls(scale=1 / 255, bands=names)

    def get_config(self):
        config = super().get_config()
        config["bands"] = self.bands
        config["ground_sample_distance"] = self.ground_sample_distance
        config["value_range"] = self.value_range
        return config
