"""Ohio, NAIP: farmland and villages in tiles of 256 pixels, at 0.6 m.

Imagery of the USDA's National Agriculture Imagery Program, labelled by hand
by yinx111, in the classes of Dubai. The published masks have background,
building, road, bare land, forest and water. Here "bare land" is land; forest
is vegetation, as is background with an NDVI above 0.12; other background is
void, and so are buildings and roads with an NDVI above 0.3 and water above
0.2, which trees hide.

Tiles abut: `keras_rsseg.data.join_neighbours` joins them. The two parts lie at
least 0.9 km apart; the published ones mix neighbours.
"""

from keras_rsseg import class_legends
from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.datasets.scene_layout import SceneLayout
from keras_rsseg.datasets.scene_layout import listed_scenes
from keras_rsseg.void import VOID

_LEGEND = {**class_legends.DUBAI, "ground_sample_distance": 0.6}

FACTS = DatasetFacts(
    name="ohio_naip",
    title="Ohio: farmland and villages in NAIP imagery, labelled by hand",
    **_LEGEND,
    licence=(
        "Source imagery: public domain. Labels: no licence file; cite or "
        'acknowledge "Source imagery: USDA NAIP; Processed and labeled '
        'dataset: yinx111 (2025)"'
    ),
    homepage=(
        "https://github.com/yinx111/"
        "U-Net-Semantic-Segmentation-on-Multispectral-Satellite-Imagery"
    ),
    citation="""\
@misc{yinx1112025ohio,
  title={U-Net Semantic Segmentation on Multispectral Satellite Imagery},
  author={yinx111},
  year={2025},
  note={Source imagery: USDA NAIP; Processed and labeled dataset: yinx111
        (2025)}
}""",
)

_CLASSES = len(FACTS.class_names)
_INSTRUCTIONS = f"""\
Get the tiles from {FACTS.homepage} and put them into manual_dir/ohio_naip:
  train/images/13476.tif ... (red, green, blue)
  train/masks/13476.png ... (0 {FACTS.class_names[0]} ... {_CLASSES - 1} \
{FACTS.class_names[-1]}, {VOID} void)
  validate/images/..., validate/masks/...
How these masks derive from the published ones, and which part a tile is in:
keras_rsseg/datasets/ohio_naip.py.
"""


def _scenes(folder, config):
    del config
    return {
        split: listed_scenes(
            folder,
            (f"{part}/images",),
            (f"{part}/masks",),
            "{}.tif",
            "{}.png",
        )
        for split, part in (("train", "train"), ("validation", "validate"))
    }


LAYOUT = SceneLayout(
    facts=FACTS,
    scenes=_scenes,
    instructions=_INSTRUCTIONS,
    split_sizes={"train": 142, "validation": 32},
    mask_values={**{value: value for value in range(_CLASSES)}, VOID: VOID},
)
