"""TFDS builders: a data set's files as records. Imports TFDS."""

import pathlib
import warnings
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from rasterio.enums import ColorInterp

from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import UnlistedColors
from keras_rsseg.data.reading import read_image
from keras_rsseg.data.reading import read_mask
from keras_rsseg.datasets.catalog import LAYOUTS
from keras_rsseg.datasets.scene_layout import CORRECTED
from keras_rsseg.datasets.scene_layout import RELEASED
from keras_rsseg.datasets.scene_layout import SceneLayout
from keras_rsseg.datasets.scene_layout import find_scenes
from keras_rsseg.errors import DatasetError
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.tables import counted
from keras_rsseg.void import VOID

_UNLISTED = 254
_WHITE = 0x010101

# Deflate's fastest level: 8 times as fast as the default one on aerial
# imagery, for files 7 % larger.
_PNG_COMPRESSION = 1


def read_scene_image(
    path: pathlib.Path, num_bands: int
) -> tuple[np.ndarray, bool]:
    """Read a whole image.

    Alpha is left out, and grey is repeated if `num_bands` is three.

    Args:
        path: a PNG, JPEG or TIFF file.
        num_bands: how many bands the image must have.

    Returns:
        A uint8 array `(H, W, num_bands)`, and whether the file is a PNG
        that decodes to it, so that its bytes can be kept.

    Raises:
        DatasetError: if the image has another number of bands, or is not
            8-bit.
        RasterError: if the file is not an image.
    """
    with open_raster(path) as dataset:
        dtypes, driver = set(dataset.dtypes), dataset.driver
        kinds = dataset.colorinterp
    image = read_image(path)
    plain = driver == "PNG" and len(kinds) == num_bands
    if kinds[-1] == ColorInterp.alpha and len(kinds) == num_bands + 1:
        image = np.ascontiguousarray(image[..., :num_bands])
    if image.shape[-1] == 1 and num_bands == 3:
        image = np.repeat(image, 3, axis=-1)
    if image.shape[-1] != num_bands or dtypes != {"uint8"}:
        raise DatasetError(
            f"{path} must have {counted(num_bands, 'band')} of 8 bits. "
            "Received: "
            f"{counted(len(kinds), 'band')} of {', '.join(sorted(dtypes))}"
        )
    return image, plain


def read_scene_mask(
    path: pathlib.Path,
    palette: Palette,
    unlisted: UnlistedColors,
    values: dict[int, int] | None = None,
    inexact: bool = False,
) -> np.ndarray:
    """Read a whole mask as class ids.

    Args:
        path: a PNG or TIFF file.
        palette: `Palette` of a coloured mask.
        unlisted: `UnlistedColors` that collects values that the palette, or
            `values`, lacks; they become void.
        values: dict `value -> class id` of a mask of one band, or `None`.
        inexact: whether to round every colour to 0 and 255 first.

    Returns:
        A uint8 array `(H, W)`.

    Raises:
        DatasetError: if the mask does not have one band, or is not 8-bit.
        RasterError: if the file is not a mask.
    """
    if values is not None:
        return _ids_of_values(path, values, unlisted)
    if not inexact:
        return read_mask(path, palette=palette, unlisted=unlisted)
    colors = read_image(path)[..., :3]
    colors = np.where(colors < 128, np.uint8(0), np.uint8(255))
    return palette.to_ids(colors, unlisted, str(path))


def _ids_of_values(path, values, unlisted):
    with open_raster(path) as dataset:
        if dataset.count != 1 or dataset.dtypes[0] != "uint8":
            raise DatasetError(
                f"{path} must be a mask of one band of 8 bits. Received: "
                f"{counted(dataset.count, 'band')} of {dataset.dtypes[0]}"
            )
        pixels = dataset.read(1)
    table = np.full(256, _UNLISTED, "uint8")
    table[list(values)] = list(values.values())
    ids = table[pixels]
    missing = ids == _UNLISTED
    if missing.any():
        unlisted.add(path, pixels[missing].astype("int32") * _WHITE)
        ids[missing] = VOID
    return ids


class SceneBuilder(
    tfds.core.GeneratorBasedBuilder,
    skip_registration=True,  # type: ignore[call-arg]
):
    """Records of whole images with their masks.

    A record is `{"image": uint8 (H, W, bands), "mask": uint8 (H, W, 1),
    "name": string}`; a mask holds class ids, 255 is void. `info.metadata`
    holds the facts of the data set (`DatasetFacts.as_metadata`).

    All files are looked for before the first is read. Colours that the
    palette lacks become void and are reported by one
    `UnlistedColorWarning`, once everything is written; the configuration
    "released" silently makes them class 0, black borders included, as the
    converters released with the papers do.

    A subclass sets `layout` and nothing else.
    """

    layout: SceneLayout

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    # TFDS 4.9.10 finds it with importlib_resources, which it does not require.
    code_path = pathlib.Path(__file__)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        layout = cls.layout
        cls.name = layout.facts.name
        cls.MANUAL_DOWNLOAD_INSTRUCTIONS = layout.instructions
        cls.BUILDER_CONFIGS = [
            tfds.core.BuilderConfig(name=name, description=description)
            for name, description in layout.all_configs.items()
        ]
        cls.DEFAULT_BUILDER_CONFIG_NAME = CORRECTED
        super().__init_subclass__(**kwargs)

    def download_and_prepare(self, **kwargs: Any) -> None:
        """Write the records, see `tfds.core.DatasetBuilder`.

        Raises:
            MissingFilesError: if files are missing; it lists them.
            DatasetError: if a file is not what it should be.
        """
        self._unlisted = UnlistedColors()
        self._left_out: list[str] = []
        super().download_and_prepare(**kwargs)
        # Last, so that a warning turned into an error costs no finished work.
        if self._left_out:
            warnings.warn(
                f"{self.name}: left out {', '.join(self._left_out)}, whose "
                "masks are missing. Once they are there, delete "
                f"{self.data_path} to build it again.",
                UserWarning,
                stacklevel=2,
            )
        if self.builder_config.name != RELEASED:
            self._unlisted.warn()

    def _info(self):
        facts = self.layout.facts
        return tfds.core.DatasetInfo(
            builder=self,
            description=facts.title,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(None, None, len(facts.bands)),
                        encoding_format="png",
                        doc=f"Bands: {', '.join(facts.bands)}.",
                    ),
                    "mask": tfds.features.Image(
                        shape=(None, None, 1),
                        encoding_format="png",
                        use_colormap=True,
                        doc=f"Class ids; {VOID} is void.",
                    ),
                    "name": tfds.features.Text(doc="Name of the scene."),
                }
            ),
            supervised_keys=("image", "mask"),
            homepage=facts.homepage,
            citation=facts.citation,
            license=facts.licence,
            metadata=tfds.core.MetadataDict(facts.as_metadata()),
        )

    def _split_generators(self, dl_manager):
        splits, self._left_out = find_scenes(
            self.layout,
            dl_manager.manual_dir,
            self.builder_config.name,
        )
        return {
            split: self._generate_examples(scenes)
            for split, scenes in splits.items()
        }

    def _generate_examples(self, scenes):
        layout = self.layout
        bands, palette = len(layout.facts.bands), layout.facts.to_palette()
        released = self.builder_config.name == RELEASED
        for scene in scenes:
            image, plain = read_scene_image(scene.image, bands)
            mask = read_scene_mask(
                scene.mask,
                palette,
                self._unlisted,
                layout.mask_values,
                scene.name in layout.inexact_scenes and not released,
            )
            if image.shape[:2] != mask.shape:
                raise DatasetError(
                    "Image and mask must have the same size. Received: "
                    f"{scene.image} of {image.shape[0]}x{image.shape[1]} "
                    f"pixels (height x width), {scene.mask} of "
                    f"{mask.shape[0]}x{mask.shape[1]}"
                )
            if released:
                mask[mask == VOID] = 0
            yield (
                scene.name,
                {
                    "image": scene.image if plain else _to_png(image),
                    "mask": _to_png(mask[..., None]),
                    "name": scene.name,
                },
            )


def _to_png(pixels):
    import tensorflow as tf

    with tf.device("cpu"):
        return tf.io.encode_png(pixels, compression=_PNG_COMPRESSION).numpy()


def _builder_of(layout: SceneLayout) -> type[SceneBuilder]:
    """Make the builder of a data set, which also registers it."""
    words = layout.facts.name.split("_")
    metaclass: Any = type(SceneBuilder)
    return metaclass(
        "".join(word.capitalize() for word in words),
        (SceneBuilder,),
        {
            "__doc__": layout.facts.title,
            "__module__": __name__,
            "layout": layout,
        },
    )


# By their names, as pickle looks them up.
globals().update(
    {builder.__name__: builder for builder in map(_builder_of, LAYOUTS)}
)
