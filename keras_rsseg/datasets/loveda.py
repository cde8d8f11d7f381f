"""LoveDA: 4191 labelled images of 1024x1024 pixels, rural and urban.

The masks of the test set are withheld. A mask's 0 is no data: void.
"""

from keras_rsseg import class_legends
from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.datasets.scene_layout import SceneLayout
from keras_rsseg.datasets.scene_layout import listed_scenes
from keras_rsseg.void import VOID

FACTS = DatasetFacts(
    name="loveda",
    title="LoveDA: land cover for domain-adaptive semantic segmentation",
    **class_legends.LOVEDA,
    licence="CC BY-NC-SA 4.0",
    homepage="https://doi.org/10.5281/zenodo.5706578",
    citation="""\
@inproceedings{wang2021loveda,
  title={{LoveDA}: A Remote Sensing Land-Cover Dataset for Domain Adaptive
         Semantic Segmentation},
  author={Wang, Junjue and Zheng, Zhuo and Ma, Ailong and Lu, Xiaoyan and
          Zhong, Yanfei},
  booktitle={NeurIPS Datasets and Benchmarks},
  year={2021}
}""",
)

_INSTRUCTIONS = f"""\
Get Train.zip and Val.zip from {FACTS.homepage} and unpack them into
manual_dir/loveda:
  Train/Rural/images_png/0.png ..., Train/Rural/masks_png/0.png ...
  Train/Urban/images_png/1366.png ..., Train/Urban/masks_png/1366.png ...
  Val/Rural/images_png/2522.png ..., and so on
"""


def _scenes(folder, config):
    del config
    return {
        split: [
            scene._replace(name=f"{area.lower()}_{scene.name}")
            for area in ("Rural", "Urban")
            for scene in listed_scenes(
                folder,
                (f"{part}/{area}/images_png",),
                (f"{part}/{area}/masks_png",),
                "{}.png",
                "{}.png",
            )
        ]
        for split, part in (("train", "Train"), ("validation", "Val"))
    }


LAYOUT = SceneLayout(
    facts=FACTS,
    scenes=_scenes,
    instructions=_INSTRUCTIONS,
    split_sizes={"train": 2522, "validation": 1669},
    mask_values={0: VOID, **{value: value - 1 for value in range(1, 8)}},
)
