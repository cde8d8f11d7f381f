"""Semantic segmentation of aerial imagery, Dubai: six scenes in nine parts.

By Humans in the Loop and the Mohammed Bin Rashid Space Centre. Each scene
is cut into 3x3 abutting parts. Parts 1, 2, 4, 5, 7 and 8 are for training, 3,
6 and 9 for validation; two of the eight scenes are kept apart as a test set.
"""

from keras_rsseg import class_legends
from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.datasets.scene_layout import Scene
from keras_rsseg.datasets.scene_layout import SceneLayout
from keras_rsseg.datasets.scene_layout import WantedFile

SCENES = (2, 3, 5, 6, 7, 8)
TRAINING_PARTS = (1, 2, 4, 5, 7, 8)
VALIDATION_PARTS = (3, 6, 9)

FACTS = DatasetFacts(
    name="dubai",
    title="Semantic segmentation of aerial imagery, Dubai",
    **class_legends.DUBAI,
    void_colors=((155, 155, 155), (0, 0, 0)),
    licence="CC0-1.0",
    homepage=(
        "https://humansintheloop.org/resources/datasets/"
        "semantic-segmentation-dataset-2/"
    ),
    citation="""\
@misc{humansintheloop2020dubai,
  title={Semantic Segmentation of Aerial Imagery},
  author={{Humans in the Loop} and {Mohammed Bin Rashid Space Centre}},
  year={2020}
}""",
)

_INSTRUCTIONS = f"""\
Get the data from {FACTS.homepage} and unpack them into manual_dir/dubai:
  tile_2/images/image_part_001.jpg ... image_part_009.jpg
  tile_2/masks/image_part_001.png ...
and so on for the scenes {", ".join(map(str, SCENES))} (the folders may also be
called "Tile 2").
"""


def _part(scene, part):
    folders = f"tile_{scene}", f"Tile {scene}"
    name = f"image_part_{part:03d}"
    return Scene(
        f"tile_{scene}_part_{part:03d}",
        WantedFile(tuple(f"{tile}/images" for tile in folders), f"{name}.jpg"),
        WantedFile(tuple(f"{tile}/masks" for tile in folders), f"{name}.png"),
    )


def _scenes(folder, config):
    del folder, config
    return {
        split: [_part(scene, part) for scene in SCENES for part in parts]
        for split, parts in (
            ("train", TRAINING_PARTS),
            ("validation", VALIDATION_PARTS),
        )
    }


LAYOUT = SceneLayout(
    facts=FACTS,
    scenes=_scenes,
    instructions=_INSTRUCTIONS,
    roots=("Semantic segmentation dataset",),
)
