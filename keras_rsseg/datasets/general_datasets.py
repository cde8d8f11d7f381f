"""Cityscapes and ADE20K from TFDS: facts, and records like ours."""

from typing import TYPE_CHECKING

import numpy as np

from keras_rsseg.checks import check_choice
from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.errors import DatasetError
from keras_rsseg.void import VOID

if TYPE_CHECKING:
    import tensorflow as tf

# The scene-parsing benchmark, its label ids 1 to 150.
ADE20K_CLASSES = tuple(
    """
    wall building sky floor tree ceiling road bed windowpane grass cabinet
    sidewalk person earth door table mountain plant curtain chair car water
    painting sofa shelf house sea mirror rug field armchair seat fence desk rock
    wardrobe lamp bathtub railing cushion base box column signboard
    chest_of_drawers counter sand sink skyscraper fireplace refrigerator
    grandstand path stairs runway case pool_table pillow screen_door stairway
    river bridge bookcase blind coffee_table toilet flower book hill bench
    countertop stove palm kitchen_island computer swivel_chair boat bar
    arcade_machine hovel bus towel light truck tower chandelier awning
    streetlight booth television_receiver airplane dirt_track apparel pole land
    bannister escalator ottoman bottle buffet poster stage van ship fountain
    conveyer_belt canopy washer plaything swimming_pool stool barrel basket
    waterfall tent bag minibike cradle oven ball food step tank trade_name
    microwave pot animal bicycle lake dishwasher screen blanket sculpture hood
    sconce vase traffic_light tray ashcan fan pier crt_screen plate monitor
    bulletin_board shower radiator glass clock flag
""".split()
)

# Uncountable classes, which the instance task leaves out.
_STUFF = set(
    """
    wall building sky floor tree ceiling road grass sidewalk earth mountain
    plant water house sea rug field rock base sand skyscraper grandstand path
    runway stairway river bridge blind hill bar hovel tower dirt_track land
    escalator buffet poster stage conveyer_belt canopy swimming_pool waterfall
    tent cradle tank lake blanket pier crt_screen shower
""".split()
)

# The instance task, its category ids 1 to 100.
ADE20K_OBJECTS = tuple(name for name in ADE20K_CLASSES if name not in _STUFF)


_CITYSCAPES = (
    (7, "road", (128, 64, 128)),
    (8, "sidewalk", (244, 35, 232)),
    (11, "building", (70, 70, 70)),
    (12, "wall", (102, 102, 156)),
    (13, "fence", (190, 153, 153)),
    (17, "pole", (153, 153, 153)),
    (19, "traffic_light", (250, 170, 30)),
    (20, "traffic_sign", (220, 220, 0)),
    (21, "vegetation", (107, 142, 35)),
    (22, "terrain", (152, 251, 152)),
    (23, "sky", (70, 130, 180)),
    (24, "person", (220, 20, 60)),
    (25, "rider", (255, 0, 0)),
    (26, "car", (0, 0, 142)),
    (27, "truck", (0, 0, 70)),
    (28, "bus", (0, 60, 100)),
    (31, "train", (0, 80, 100)),
    (32, "motorcycle", (0, 0, 230)),
    (33, "bicycle", (119, 11, 32)),
)
_RGB = ("red", "green", "blue")
_ADE20K_CITATION = """\
@inproceedings{zhou2017scene,
  title={Scene Parsing through {ADE20K} Dataset},
  author={Zhou, Bolei and Zhao, Hang and Puig, Xavier and Fidler, Sanja and
          Barriuso, Adela and Torralba, Antonio},
  booktitle={CVPR},
  year={2017}
}"""

CITYSCAPES = DatasetFacts(
    name="cityscapes",
    title="Cityscapes",
    class_names=tuple(name for _, name, _ in _CITYSCAPES),
    palette=tuple(color for _, _, color in _CITYSCAPES),
    void_colors=((0, 0, 0),),
    bands=_RGB,
    ground_sample_distance=None,
    licence="non-commercial, see the homepage",
    homepage="https://www.cityscapes-dataset.com",
    citation="""\
@inproceedings{cordts2016cityscapes,
  title={The {Cityscapes} Dataset for Semantic Urban Scene Understanding},
  author={Cordts, Marius and Omran, Mohamed and Ramos, Sebastian and
          Rehfeld, Timo and Enzweiler, Markus and Benenson, Rodrigo and
          Franke, Uwe and Roth, Stefan and Schiele, Bernt},
  booktitle={CVPR},
  year={2016}
}""",
)
ADE20K = DatasetFacts(
    name="ade20k",
    title="ADE20K scene parsing, 150 classes",
    class_names=ADE20K_CLASSES,
    palette=None,
    bands=_RGB,
    ground_sample_distance=None,
    licence="BSD-3-Clause",
    homepage="http://sceneparsing.csail.mit.edu/",
    citation=_ADE20K_CITATION,
)
SCENE_PARSE150 = DatasetFacts(
    name="scene_parse150",
    title="ADE20K, 100 classes of countable objects",
    class_names=ADE20K_OBJECTS,
    palette=None,
    bands=_RGB,
    ground_sample_distance=None,
    licence="BSD-3-Clause",
    homepage="http://sceneparsing.csail.mit.edu/",
    citation=_ADE20K_CITATION,
)
FACTS = (CITYSCAPES, ADE20K, SCENE_PARSE150)


def as_records(dataset: "tf.data.Dataset", name: str) -> "tf.data.Dataset":
    """Map records of TFDS's own data sets to those of `keras_rsseg`.

    - "cityscapes", from `tfds.load("cityscapes")`: the 19 classes that the
      benchmark scores; all other label ids are void.
    - "ade20k": the 150 classes of the scene-parsing benchmark, for records
      with a grey `annotation` of 0 (other, void) to 150, such as
      `tfds.load("huggingface:scene_parse_150/scene_parsing")`.
    - "scene_parse150", from `tfds.load("scene_parse150")`: despite its name
      TFDS took the annotations of the instance task, which label only 100
      classes of objects; all else is void.

    Args:
        dataset: `tf.data.Dataset` of TFDS's records.
        name: name of the data set, one of the above.

    Returns:
        A `tf.data.Dataset` of records `{"image": uint8 (H, W, 3), "mask":
        uint8 (H, W, 1) class ids, 255 void, "name": string}`. The name is a
        running number if the record has none.

    Raises:
        ArgumentError: if `name` is not one of these.
        DatasetError: if the records lack a part.

    Example:

    ```python
    import tensorflow as tf

    annotated = tf.data.Dataset.from_tensors(
        {
            "image": np.zeros((4, 4, 3), "uint8"),
            "annotation": np.full((4, 4, 1), 3, "uint8"),
        }
    )
    records = keras_rsseg.datasets.as_records(annotated, "ade20k")
    next(iter(records))["mask"][0, 0, 0]  # 2, the id of "sky"
    ```
    """
    import tensorflow as tf

    check_choice("name", name, sorted(_TABLES))
    spec = dataset.element_spec
    image, mask = (
        ("image_left", "segmentation_label")
        if name == CITYSCAPES.name
        else ("image", "annotation")
    )
    if not isinstance(spec, dict) or not {image, mask} <= set(spec):
        raise DatasetError(
            f"Records of {name} must hold {image!r} and {mask!r}. Received: "
            f"{sorted(spec) if isinstance(spec, dict) else spec}"
        )
    table = tf.constant(_TABLES[name])

    def as_record(number, record):
        labels = record[mask]
        ids = labels[..., :1]
        if name == ADE20K.name:
            ids = _checked_grey(tf, labels)
        label = tf.strings.as_string(number)
        for key in ("image_id", "tfds_id"):
            label = record.get(key, label)
        return {
            "image": record[image],
            "mask": tf.gather(table, tf.cast(ids, "int32")),
            "name": label,
        }

    return dataset.enumerate().map(
        as_record, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def _checked_grey(tf, labels):
    grey = labels[..., :1]
    check = tf.debugging.assert_equal(
        labels,
        tf.broadcast_to(grey, tf.shape(labels)),
        'Annotations of "ade20k" must be grey class ids. Those of TFDS\'s '
        'scene_parse150 are of the instance task: name them "'
        'scene_parse150".',
    )
    with tf.control_dependencies([check]):
        return tf.identity(grey)


def _table(ids):
    table = np.full(256, VOID, "uint8")
    table[list(ids)] = np.arange(len(ids))
    return table


_TABLES = {
    "cityscapes": _table([label for label, _, _ in _CITYSCAPES]),
    "ade20k": _table(range(1, 151)),
    "scene_parse150": _table(range(1, 101)),
}
