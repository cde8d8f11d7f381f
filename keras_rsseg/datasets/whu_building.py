"""WHU building, aerial: 8188 tiles of 512x512 pixels, one class.

The cropped tiles of Christchurch with the authors' split. In the labels 255
is building, not void.
"""

from keras_rsseg import class_legends
from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.datasets.scene_layout import SceneLayout
from keras_rsseg.datasets.scene_layout import listed_scenes

FACTS = DatasetFacts(
    name="whu_building",
    title="WHU building, cropped aerial tiles",
    **class_legends.WHU_BUILDING,
    licence="not stated",
    homepage="http://gpcv.whu.edu.cn/data/building_dataset.html",
    citation="""\
@article{ji2019fully,
  title={Fully Convolutional Networks for Multisource Building Extraction
         from an Open Aerial and Satellite Imagery Data Set},
  author={Ji, Shunping and Wei, Shiqing and Lu, Meng},
  journal={IEEE Transactions on Geoscience and Remote Sensing},
  volume={57},
  number={1},
  pages={574--586},
  year={2019}
}""",
)

_FOLDER = "3. The cropped image tiles and raster labels"
_INSTRUCTIONS = f"""\
Get "3. The cropped aerial image tiles and raster labels.zip" from
{FACTS.homepage}
and unpack it into manual_dir/whu_building:
  {_FOLDER}/
    train/image/*.tif, train/label/*.tif, and so on for val and test
"""


def _scenes(folder, config):
    del config
    return {
        split: listed_scenes(
            folder,
            (f"{part}/image",),
            (f"{part}/label",),
            "{}.tif",
            "{}.tif",
            names=".+",
        )
        for split, part in (
            ("train", "train"),
            ("validation", "val"),
            ("test", "test"),
        )
    }


LAYOUT = SceneLayout(
    facts=FACTS,
    scenes=_scenes,
    instructions=_INSTRUCTIONS,
    split_sizes={"train": 4736, "validation": 1036, "test": 2416},
    mask_values={0: 0, 255: 1},
    roots=(_FOLDER,),
)
