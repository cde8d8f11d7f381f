"""The TFDS builder that all data sets of scenes share."""

import pathlib
import warnings

import tensorflow_datasets as tfds

from keras_rsseg.data.palette import UnlistedColors
from keras_rsseg.datasets.scene_layout import CORRECTED
from keras_rsseg.datasets.scene_layout import RELEASED
from keras_rsseg.datasets.scene_layout import find_scenes
from keras_rsseg.datasets.scene_pixels import read_scene_image
from keras_rsseg.datasets.scene_pixels import read_scene_mask
from keras_rsseg.void import VOID

# Deflate's fastest level: 8 times as fast as the usual one on aerial
# imagery, for files 7 % larger.
_PNG_COMPRESSION = 1


class SceneBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Records of whole images with their masks.

    A record is `{"image": uint8 (H, W, bands), "mask": uint8 (H, W, 1),
    "name": string}`; a mask holds class ids, 255 is void. `info.metadata`
    holds the facts of the data set (`DatasetFacts.as_metadata`).

    Files are all looked for before the first is read. Colours that the
    palette lacks become void and are reported by one
    `UnlistedColorWarning`, when everything is written; the configuration
    "released" makes them class 0 without a word, black borders too, as the
    converters do that came with the papers.

    A subclass sets `layout` and nothing else.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    # TFDS 4.9.10 finds it by importlib_resources, which it does not require.
    code_path = pathlib.Path(__file__)
    layout = None

    def __init_subclass__(cls, **kwargs):
        layout = cls.layout
        cls.name = layout.facts.name
        cls.MANUAL_DOWNLOAD_INSTRUCTIONS = layout.instructions
        cls.BUILDER_CONFIGS = [
            tfds.core.BuilderConfig(name=name, description=description)
            for name, description in layout.all_configs.items()
        ]
        cls.DEFAULT_BUILDER_CONFIG_NAME = CORRECTED
        super().__init_subclass__(**kwargs)

    def download_and_prepare(self, **kwargs):
        """Write the records, see `tfds.core.DatasetBuilder`.

        Raises:
            FileNotFoundError: if files are missing; it lists them.
            ValueError: if a file is not what it should be.
        """
        self._unlisted, self._left_out = UnlistedColors(), []
        super().download_and_prepare(**kwargs)
        # Last, so that a warning made an error costs no finished work.
        if self._left_out:
            warnings.warn(
                f"{self.name}: left out {', '.join(self._left_out)}, of which "
                "no mask is there. Once they are, delete "
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
                raise ValueError(
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
