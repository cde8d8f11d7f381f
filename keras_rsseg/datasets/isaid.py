"""iSAID: 1869 aerial images with masks of 15 classes of objects.

The images are those of DOTA-v1.0; the masks of the test set are withheld.
"""

from keras_rsseg import class_legends
from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.datasets.scene_layout import RELEASED
from keras_rsseg.datasets.scene_layout import SceneLayout
from keras_rsseg.datasets.scene_layout import listed_scenes

# The converter that came with PFNet leaves these images out.
SKIPPED_BY_RELEASED = ("P1527", "P1530")

FACTS = DatasetFacts(
    name="isaid",
    title="iSAID: instance segmentation in aerial images, as classes",
    **class_legends.ISAID,
    licence="academic use only",
    homepage="https://captain-whu.github.io/iSAID/",
    citation="""\
@inproceedings{zamir2019isaid,
  title={{iSAID}: A Large-scale Dataset for Instance Segmentation in Aerial
         Images},
  author={Waqas Zamir, Syed and Arora, Aditya and Gupta, Akshita and Khan,
          Salman and Sun, Guolei and Shahbaz Khan, Fahad and Zhu, Fan and
          Shao, Ling and Xia, Gui-Song and Bai, Xiang},
  booktitle={CVPR Workshops},
  pages={28--37},
  year={2019}
}""",
)

_INSTRUCTIONS = """\
Get the images of DOTA-v1.0 (https://captain-whu.github.io/DOTA/, training
and validation set) and the masks of iSAID
(https://captain-whu.github.io/iSAID/, Semantic_masks) and unpack them into
manual_dir/isaid:
  train/images/P0000.png ...
  train/Semantic_masks/images/P0000_instance_color_RGB.png ..., or beside
    the images
  val/images/P0003.png ...
  val/Semantic_masks/images/P0003_instance_color_RGB.png ...
"""


def _scenes(folder, config):
    del config
    return {
        split: listed_scenes(
            folder,
            (f"{part}/images",),
            (
                f"{part}/Semantic_masks/images",
                f"{part}/Semantic_masks",
                f"{part}/images",
            ),
            "{}.png",
            "{}_instance_color_RGB.png",
        )
        for split, part in (("train", "train"), ("validation", "val"))
    }


LAYOUT = SceneLayout(
    facts=FACTS,
    scenes=_scenes,
    instructions=_INSTRUCTIONS,
    configs={
        RELEASED: (
            "Like the released converter: colours that the palette lacks are "
            f"background; without {' and '.join(SKIPPED_BY_RELEASED)}."
        )
    },
    split_sizes={"train": 1411, "validation": 458},
    skipped={RELEASED: SKIPPED_BY_RELEASED},
)
